"""The peer's figures by layer are read from their table, and layers compared with those of their
kind.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_reports import full

from benchmarks.layers import Compared, compared, peer_layers

TABLE = """
# Speed

| small | conv_2d | 9, 9, 9 | k | 1 | 9 (1.0) | 9 |

## Layer by layer

| model | layer | output | kernel of ours | ours | peer | peer / ours |
| --- | --- | --- | --- | ---: | ---: | ---: |
| small | conv_2d | 4, 4, 2 | conv_2d_dsp | 1,000 (2.00) | 3,200 (4.00) | 3.20 |
| small | conv_2d | 4, 4, 2 | conv_2d_dsp | 900 (2.00) | 1,234,567 (4.00) | 3.20 |
| other | softmax | 10 | softmax | 50 (5.0 an el.) | 40 (4.0 an el.) | 0.80 |

## Causes

| small | add | 1 | k | 1 | 9 (1.0) | 9 |
"""


def test_the_table_of_the_peer() -> None:
    assert peer_layers(TABLE) == {
        "small": {("conv_2d", "4, 4, 2"): [3200, 1234567]},
        "other": {("softmax", "10"): [40]},
    }


@pytest.mark.shared
def test_the_table_of_all_speed_models(shared: Path) -> None:
    known = peer_layers((shared / "design/SPEED.md").read_text(encoding="utf-8"))
    assert known.keys() <= {path.stem for path in (shared / "models/speed").glob("*.tflite")}
    assert sum(len(counts) for kinds in known.values() for counts in kinds.values()) > 150


def test_a_layer_is_compared_with_the_peers_of_its_kind() -> None:
    """Layer n of the sample report takes n instructions of 1,000."""
    report = full()
    shapes = {tensor.name: tensor.shape for tensor in report.tensors}
    last, count = report.layers[-1], len(report.layers)
    kind = last.op, ", ".join(map(str, shapes[last.outputs[0]]))
    (found,) = compared(report, "sample", {kind: [count - 1], ("conv_2d", "1, 1, 1"): [5]})
    assert found == Compared("sample", kind, count, count - 1, count / 1000)
    assert found.slower
    assert not compared(report, "sample", {kind: [1, 2]})


def test_small_layers_do_not_count() -> None:
    assert Compared("m", ("add", "1"), 10, 9, 0.006).slower
    assert not Compared("m", ("add", "1"), 10, 9, 0.004).slower
    assert not Compared("m", ("add", "1"), 9, 9, 0.5).slower

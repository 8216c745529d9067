"""The fuzzer is deterministic, minimizes failures, and finds planted errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fuzz
import fuzz_cases
import pytest
from fuzz_cases import FuzzCase, draw, run, script
from random_graphs import random_graph, steps
from random_sequences import OVER_TIME

from tinycomp.device import firmware_build
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._unary import UnaryOperator


def test_a_seed_gives_one_case() -> None:
    cases = [draw(seed) for seed in range(200)]
    assert cases == [draw(seed) for seed in range(200)]
    assert {case.board for case in cases} == {"host", *fuzz_cases.EMULATED}
    assert {case.kind for case in cases} == {"graph", "model"}
    assert {case.optimize for case in cases} == {"ram", "balanced", "speed"}
    assert {(case.activations, case.over_time) for case in cases} == {
        (bits, over_time) for bits in (8, 16) for over_time in (False, True)
    }


def test_recurrent_layers_are_drawn() -> None:
    graphs = [random_graph(seed, more=OVER_TIME) for seed in range(30)]
    found = {node.op.name for graph in graphs for node in graph.nodes}
    assert {"gru", "lstm", "lstm_steps", "simple_rnn"} <= found


def test_steps_are_left_out() -> None:
    seed = 3
    whole = random_graph(seed)
    least = random_graph(seed, range(1, steps(seed) + 1))
    assert len(least.nodes) < len(whole.nodes) / 2
    for step in range(1, steps(seed) + 1):
        assert len(random_graph(seed, [step]).nodes) <= len(whole.nodes) + 2


class _Worker:
    """Fails if step 2 is in the model and the weights are pruned."""

    def run(self, case: FuzzCase) -> dict[str, Any]:
        fails = 2 not in case.left_out and case.sparsity > 0
        return {"outcome": "failed" if fails else "equal", "text": "found"}


def test_a_failure_is_minimized() -> None:
    case = FuzzCase(3, "graph", "mega", "ram", 4, 0.6, push_input=True, ram_limit=900)
    smallest, text = fuzz.minimized(case, "first", _Worker())  # type: ignore[arg-type]
    others = tuple(step for step in range(1, case.steps + 1) if step != 2)
    assert smallest == FuzzCase(3, "graph", "host", sparsity=0.6, left_out=others)
    assert text == "found"
    assert "tinycomp build x/model.tflite --board host --optimize balanced --sparsity 0.6 -o" in (
        script(smallest, Path("x"))
    )


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.slow
def test_planted_errors_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One case unchanged, and with a table that disagrees with the .tflite."""
    case = FuzzCase(0, "graph", "host")
    folders = [tmp_path / name for name in ("right", "wrong")]
    for folder in folders:
        folder.mkdir()
    assert run(case, folders[0]) == {"outcome": "equal", "text": ""}

    def mirrored(op: UnaryOperator, operands: Operands, inputs: Sequence[Array]) -> Array:
        entries: Array = op.table(operands)[::-1][inputs[0].astype(int) + 128]
        return entries

    monkeypatch.setattr(UnaryOperator, "reference", mirrored)
    found = run(case, folders[1])
    assert found["outcome"] == "failed"
    assert "DifferenceError" in found["text"]

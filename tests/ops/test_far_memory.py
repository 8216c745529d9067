"""Weights beyond the first 64 KB of an AVR's memory: only used if necessary, and read correctly on
the emulated chip.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import Layers
from test_on_avr import COPIED, FAMILIES, _fits, _run_on_avr, pytestmark  # noqa: F401

from tinycomp import pipeline
from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._far import WIDE_KERNEL
from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Silent
from tinycomp.emit.headers import INDEX, facts
from tinycomp.ir.graph import Graph
from tinycomp.options.build import Preparation
from tinycomp.plan.program import lower
from tinycomp.plan.storage import CODE, StorageTarget, stored_program
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.simulate import run

NEAR, FLASH = 64_000, 240_000
TARGET = StorageTarget("avr", copied=True, flash=NEAR + CODE, ram=7_680, far=FLASH, array=32_767)
FAR = ("far_bytes", "far_nibbles")


def wide(*outputs: int, kind: str = "free", inputs: int = 64) -> Graph:
    """Dense layers with the given outputs; kind "few" has sixteen distinct weights per layer."""
    layers = Layers((inputs,))
    layers.weights, layers.entries = kind, 16
    x = "input"
    for count in outputs:
        x = layers.dense(x, count)
    return layers.graph()


def stored(
    graph: Graph, target: StorageTarget = TARGET, *, compressed: bool = False
) -> list[Encoded]:
    program = stored_program(graph, "balanced", compressed, target)
    return [encoded for op in program.operations for encoded in op.encoded]


def codecs(graph: Graph, target: StorageTarget = TARGET, *, compressed: bool = False) -> list[str]:
    return [encoded.codec for encoded in stored(graph, target, compressed=compressed)]


def test_nothing_is_far_if_everything_is_in_reach() -> None:
    graph = wide(160, 160, 10)
    near = codecs(graph, replace(TARGET, far=None))
    assert codecs(graph) == near == ["dense"] * 3


def test_the_largest_layers_are_far() -> None:
    assert codecs(wide(256, 256, 10)) == ["dense", "far_bytes", "dense"]
    assert codecs(wide(256, 256, 256, 10)) == ["dense", "far_bytes", "far_bytes", "dense"]


def test_arrays_too_large_for_the_compiler_are_far() -> None:
    assert codecs(wide(160, 210, 10)) == ["dense", "far_bytes", "dense"]


@pytest.mark.slow
def test_few_values_take_four_bits() -> None:
    graph = wide(256, 256, 256, 256, kind="few")
    found = codecs(graph, compressed=True)
    assert found == ["codebook", *["far_nibbles"] * 3]
    assert sum(each.size - each.far_bytes for each in stored(graph, compressed=True)) < NEAR


def test_indices_have_16_bits_if_possible() -> None:
    for graph, expected in ((wide(256, 256), []), (wide(257, 256), [INDEX])):
        program = stored_program(graph, "balanced", False, replace(TARGET, flash=CODE + 40_000))
        (far,) = [op for op in program.operations if op.encoded[0].codec in FAR]
        assert far.call is not None
        assert far.call.kernel == WIDE_KERNEL
        assert [fact for fact in facts(program.operations, "avr") if fact == INDEX] == expected


@pytest.mark.parametrize("codec", FAR)
def test_kernels_read_far_weights(codec: str, tmp_path: Path) -> None:
    """Whole layers and row by row, with AVR's kernels and the portable ones."""
    drawn = [c for name in ("dense", "sixteen_values", "pointwise") for c in FAMILIES[name]()]
    count = 0
    for index, case in enumerate(filter(_fits, drawn)):
        output = case.graph.outputs[0]
        storage = replace(COPIED, far=frozenset({output}))
        kernels = "avr" if index % 3 else "generic"
        found = lower(case.graph, storage, kernels).operations[-1].encoded
        if not found or found[0].codec != codec:
            continue
        folder = tmp_path / str(index)
        folder.mkdir()
        case = replace(case, inputs=case.inputs[-2:])
        outputs = _run_on_avr(case, folder, kernels, index % 2 == 1, storage)
        expected = run(case.graph, case.inputs)
        np.testing.assert_array_equal(outputs, expected.reshape(outputs.shape), case.name)
        count += 1
        if count == 4:
            break
    assert count == 4


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (wide(256, 256, 64, 10), ["dense", "far_bytes", "dense", "dense"]),
        pytest.param(wide(100, 800, 10), ["dense", "far_bytes", "dense"], marks=pytest.mark.slow),
    ],
    ids=["100 KB", "a layer of 80,000 weights"],
)
def test_a_model_beyond_64_kb_is_verified(
    graph: Graph, expected: list[str], tmp_path: Path
) -> None:
    """Every byte of every tensor equals LiteRT's on the emulated Mega."""
    model = tmp_path / "wide.tflite"
    model.write_bytes(write_tflite(graph))
    options = pipeline.BuildOptions(Preparation(model), "mega", tmp_path / "out", samples=1)
    report = pipeline.build(options, Silent())
    assert report.verify[0].executions[-1] == "device"
    assert report.verify[0].equal
    assert [layer.codec for layer in report.layers] == expected
    assert report.flash is not None
    assert report.flash.constants > NEAR


@pytest.mark.slow
def test_models_that_exceed_the_whole_flash_are_refused(tmp_path: Path) -> None:
    model = tmp_path / "wide.tflite"
    model.write_bytes(write_tflite(wide(256, 256, 256, 256, 256)))
    options = pipeline.BuildOptions(Preparation(model), "mega", tmp_path / "out", samples=1)
    with pytest.raises(BoardError, match=r"Flash.*: needs 28\d,\d{3} bytes, has 251,392"):
        pipeline.build(options, Silent())

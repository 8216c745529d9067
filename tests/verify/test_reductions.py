"""`verify` compares every tensor of the original model, also removed ones, and detects wrong
reductions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from small_models import Layers

from tinycomp import folder_checks, pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.reduction import CONSTANT, UNREAD, TensorReduction
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.options.build import Preparation
from tinycomp.options.data import DataOptions
from tinycomp.passes import _channels
from tinycomp.passes._bounds import Bounds
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.compare import Difference, TensorExecution, Verification, simulator, verify
from tinycomp.reference.simulate import simulate
from tinycomp.target.boards import load_board

POINT = Window((1, 1))
SAME = Window.make("same", (5, 4), (3, 3))
BOARD = "cortex-m4"


def _original() -> Graph:
    """In conv_2d, channel 1 is constant, 2 is unread, and 5 is a copy of 3."""
    layers = Layers((5, 4, 3), seed=2)
    layers.conv(layers.conv("input", 6, POINT, Activation.RELU), 4, POINT)
    layers.softmax(layers.mean("conv_2d_1"))
    graph = layers.graph()
    constants = dict(graph.constants)
    rows, amounts = (constants[name].values.copy() for name in ("weights", "bias"))
    rows[1], amounts[1] = 0, 3000
    rows[5], amounts[5] = rows[3], amounts[3]
    known = constants["weights"].quantization
    assert known is not None
    scales = (*known.scales[:5], known.scales[3])
    columns = constants["weights_1"].values // 2
    columns[..., 2] = 0
    constants["weights"] = replace(
        constants["weights"], values=rows, quantization=replace(known, scales=scales)
    )
    constants["bias"] = replace(constants["bias"], values=amounts)
    constants["weights_1"] = replace(constants["weights_1"], values=columns)
    return replace(graph, constants=constants)


ORIGINAL = _original()
MODEL = write_tflite(ORIGINAL)
REDUCED = reduce(ORIGINAL, Silent())
INPUTS = np.random.default_rng(3).integers(-128, 128, (3, 5, 4, 3)).astype(np.int8)
RIGHT = simulate(ORIGINAL, INPUTS)


def verified(graph: Graph) -> Verification:
    return verify(graph, MODEL, INPUTS, [simulator(graph)])


def reduction(graph: Graph = REDUCED) -> TensorReduction:
    assert graph.reduction is not None
    return graph.reduction.tensors["conv_2d"]


def claiming(changed: TensorReduction) -> Graph:
    """The reduced graph with a changed record of conv_2d."""
    assert REDUCED.reduction is not None
    reductions = {**REDUCED.reduction.tensors, "conv_2d": changed}
    return replace(REDUCED, reduction=replace(REDUCED.reduction, tensors=reductions))


def test_the_reduction_records_what_became_of_each_channel() -> None:
    known = reduction()
    assert known.tensor == "conv_2d"
    kept = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    expected: NDArray[np.int64] = np.stack(
        [kept[..., 0], np.full((5, 4), CONSTANT), np.full((5, 4), UNREAD),
         kept[..., 1], kept[..., 2], kept[..., 1]], axis=-1,
    )  # fmt: skip
    assert np.array_equal(known.source, expected)
    assert (known.constants[..., 1] == RIGHT["conv_2d"][0, 0, 0, 1]).all()


def test_every_tensor_of_the_original_counts() -> None:
    found = verified(REDUCED)
    assert found == Verification(("litert", "simulator"), 3, len(ORIGINAL.nodes), ())


def test_a_wrong_constant_is_named() -> None:
    constants = reduction().constants.copy()
    constants[4, 2, 1] ^= 1
    found = verified(claiming(replace(reduction(), constants=constants)))
    (difference,) = found.differences
    right, place = int(RIGHT["conv_2d"][0, 4, 2, 1]), (4, 2, 1)
    assert difference == Difference(
        "cleanup", "conv_2d", "conv_2d", "conv_2d", 0, place, right, right ^ 1, 1, 120
    )


def test_a_wrong_duplicate_is_named() -> None:
    source = reduction().source.copy()
    source[..., 5] = source[..., 4]
    (found,) = verified(claiming(replace(reduction(), source=source))).differences
    assert (found.execution, found.tensor, found.position[-1]) == ("cleanup", "conv_2d", 5)


def test_channels_in_the_wrong_order_are_named() -> None:
    source = reduction().source[..., [0, 1, 2, 4, 3, 4]]
    (found,) = verified(claiming(replace(reduction(), source=source))).differences
    assert (found.execution, found.tensor, found.position[-1]) == ("simulator", "conv_2d", 4)


def test_removed_tensors_are_compared_with_the_original_s_simulator() -> None:
    assert REDUCED.reduction is not None
    constants = dict(ORIGINAL.constants)
    amounts = constants["bias"].values.copy()
    amounts[2] += 100_000
    constants["bias"] = replace(constants["bias"], values=amounts)
    wrong = replace(REDUCED.reduction, graph=replace(ORIGINAL, constants=constants))
    (found,) = verified(replace(REDUCED, reduction=wrong)).differences
    assert (found.execution, found.tensor, found.position[-1]) == ("cleanup", "conv_2d", 2)


def test_a_constant_that_did_not_reach_the_bias_is_found_in_the_reader() -> None:
    constants = {**REDUCED.constants, "bias_1": ORIGINAL.constants["bias_1"]}
    (found,) = verified(replace(REDUCED, constants=constants)).differences
    assert (found.execution, found.tensor) == ("simulator", "conv_2d_1")


def test_a_missing_border_is_found_in_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_border(graph: Graph, node: Node, known: dict[str, Bounds]) -> Array:
        read: Array = right(graph, node, known)
        source = node.inputs[0]
        read[:, _channels.uniform(graph.tensors[source], known[source])[0]] = False
        return read

    layers = Layers((5, 4, 3), seed=2)
    layers.conv(layers.conv("input", 6, POINT), 4, SAME)
    graph = layers.graph()
    rows, amounts = (graph.constants[name].values.copy() for name in ("weights", "bias"))
    rows[1], amounts[1] = 0, 3000
    changed = {
        "weights": replace(graph.constants["weights"], values=rows),
        "bias": replace(graph.constants["bias"], values=amounts),
    }
    graph = replace(graph, constants={**graph.constants, **changed})
    right: Callable[..., Array] = _channels._reads
    monkeypatch.setattr(_channels, "_reads", without_border)
    smaller = reduce(graph, Silent())
    found = verify(smaller, write_tflite(graph), INPUTS, [simulator(smaller)])
    (difference,) = found.differences
    assert (difference.execution, difference.tensor) == ("simulator", "conv_2d_1")
    assert difference.position[:2] == (0, 0), "a corner"


@pytest.mark.parametrize(("channel", "original"), [(0, 0), (1, 3), (2, 4)])
def test_a_difference_has_its_position_in_the_original(channel: int, original: int) -> None:
    def run(inputs: Array) -> dict[str, Array]:
        tensors = simulate(REDUCED, inputs)
        tensors["conv_2d"][2, 3, 1, channel] ^= 1
        return tensors

    (found,) = verify(REDUCED, MODEL, INPUTS, [TensorExecution("host", run)]).differences
    right = int(RIGHT["conv_2d"][2, 3, 1, original])
    place = (3, 1, original)
    assert found == Difference(
        "host", "conv_2d", "conv_2d", "conv_2d", 2, place, right, right ^ 1, 1, 60
    )


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
def test_a_built_folder_is_verified_by_the_same_reduction(tmp_path: Path) -> None:
    board = BOARD if firmware_build.missing(load_board(BOARD)) is None else "host"
    path, folder = tmp_path / "model.tflite", tmp_path / "out"
    path.write_bytes(MODEL)
    report = pipeline.build(
        pipeline.BuildOptions(Preparation(path), board, folder, samples=2), Silent()
    )
    assert report.model.macs == REDUCED.cost().macs
    assert (folder / "model.tflite").read_bytes() == MODEL
    found = folder_checks.verify(folder, None, None, DataOptions(), 2, None, Silent())
    assert found.equal
    assert found.tensors == report.verify[0].tensors == len(ORIGINAL.nodes)
    assert found.executions == report.verify[0].executions

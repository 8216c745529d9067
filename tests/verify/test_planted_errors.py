"""`verify` can fail: an error planted in one execution is found, with position and values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from small_models import HASH, small_classifier, write_library

from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import Channels
from tinycomp.ir.tensor import Array, Constant, Operands
from tinycomp.ops.add import Add
from tinycomp.proof.session import Session, session
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import Difference, TensorExecution, Verification, verify
from tinycomp.reference.simulate import simulate
from tinycomp.target.boards import load_board

GRAPH = small_classifier()
MODEL = write_tflite(GRAPH)
INPUTS = np.random.default_rng(2).integers(-128, 128, (3, 6, 5, 3)).astype(np.int8)
RIGHT = simulate(GRAPH, INPUTS)
BOARD = "cortex-m4"

Edit = Callable[[Path], None]
Tensors = dict[str, Array]
Verified = Callable[[str], tuple[Verification, Tensors]]

pytestmark = pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")


def change(path: Path, pattern: str, new: Callable[[re.Match[str]], str]) -> None:
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1, f"{path.name} has no {pattern}: plant the error elsewhere"
    path.write_text(text)


def change_entry(array: str, index: int, new: Callable[[int], int], library: Path) -> None:
    """Change a number in an array of weights.c."""

    def entry(match: re.Match[str]) -> str:
        numbers = match[2].replace("\n", " ").rstrip(", ").split(",")
        old = int(numbers[index])
        assert new(old) != old
        numbers[index] = f" {new(old)}"
        return f"{match[1]}{','.join(numbers)}\n"

    change(library / "t_weights.c", rf"({array}\[\d+\] = {{)(.*?)(?=}};)", entry)


def break_kernel(library: Path) -> None:
    """Change one value after tc_add: channel 3 of the first cell of row 1."""

    def renamed(match: re.Match[str]) -> str:
        return f"static void tc_add_right({match[1]}"

    header = library / "tinycomp" / "add.h"
    change(header, r"static void tc_add\((.*?)(?=\n#endif\s*$)", renamed)
    change(
        header,
        r"\n#endif\s*$",
        lambda _: (
            """
static void tc_add(const tc_add_t *constants, const tc_input_t *in, const tc_output_t *out,
                   uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_add_right(constants, in, out, first, last, scratch);
    tc_output_row(out, 1)[3] ^= 1;
}

#endif
"""
        ),
    )


def break_rounding(library: Path) -> None:
    """Remove the rounding from the rounding shift."""
    change(
        library / "tinycomp" / "tinycomp.h",
        r"(int32_t tc_rounding_shift_right\(int32_t (\w+), int (\w+)\)\s*{)",
        lambda match: f"{match[1]}\n    if ({match[3]} > 0) {{ return {match[2]} >> {match[3]}; }}",
    )


def with_constant(node: str, number: int, change: Callable[[Constant], Constant]) -> Graph:
    """The graph with input `number` of a node changed."""
    (name,) = (each.inputs[number] for each in GRAPH.nodes if each.name == node)
    constants = {**GRAPH.constants, name: change(GRAPH.constants[name])}
    return replace(GRAPH, constants=constants)


def with_weight() -> Tensors:
    """Tensors if output channel 2 of the dense layer has weight 99 for its 7th input.

    In C the contribution of the input's zero point is part of the bias, which is unchanged.
    """
    source = GRAPH.tensors["reshape"].quantization
    assert source is not None
    values = GRAPH.constants["weights_2"].values.copy()
    bias = GRAPH.constants["bias_2"].values.copy()
    bias[2] += source.zero_point * (99 - int(values[2, 6]))
    values[2, 6] = 99
    changed = {
        name: replace(GRAPH.constants[name], values=new)
        for name, new in (("weights_2", values), ("bias_2", bias))
    }
    return simulate(replace(GRAPH, constants={**GRAPH.constants, **changed}), INPUTS)


def with_scale(node: str, channel: int, factor: float) -> Tensors:
    """Tensors if one output channel has another weight scale: another multiplier or shift."""

    def scaled(constant: Constant) -> Constant:
        known = constant.quantization
        assert known is not None
        scales = [*known.scales]
        scales[channel] *= factor
        return replace(constant, quantization=replace(known, scales=tuple(scales)))

    return simulate(with_constant(node, 1, scaled), INPUTS)


def with_other_sum() -> Tensors:
    """Tensors with the sum changed as by break_kernel; later layers are not changed."""
    sums = RIGHT["add"].copy()
    sums[:, 1, 0, 3] ^= 1
    return {**RIGHT, "add": sums}


def packed_at(channel: int, byte: int) -> int:
    """The index of a byte of a channel's record in packed constants without shared multipliers:
    `low`, four bytes of the multiplier, two of the initial value.
    """
    return 3 + 7 * channel + byte


def of_smaller_multiplier(node: Node, channel: int) -> float:
    """The change of the scale if the multiplier's highest byte becomes as small as possible."""
    call = node.op.kernel(GRAPH.operands(node))
    assert call is not None
    constants = call.fields["constants"]
    assert isinstance(constants, Channels)
    old = int(constants.multiplier[channel])
    return (old % (1 << 24) + (64 << 24)) / old


@dataclass(frozen=True)
class Plant:
    """An error in the library, the first layer that it affects, and the tensors that C then
    computes (None: hard to express in NumPy).
    """

    edit: Edit
    layer: str
    wrong: Callable[[], Tensors] | None


PLANTS = {
    "kernel": Plant(break_kernel, "add", with_other_sum),
    "weight": Plant(
        partial(change_entry, "t_fully_connected_weights_values", 2 * 24 + 6, lambda _: 99),
        "fully_connected",
        with_weight,
    ),
    "multiplier": Plant(
        partial(change_entry, "t_conv_2d_constants", packed_at(1, 4), lambda _: 64),
        "conv_2d",
        partial(with_scale, "conv_2d", 1, of_smaller_multiplier(GRAPH.nodes[0], 1)),
    ),
    "shift": Plant(
        partial(change_entry, "t_depthwise_conv_2d_constants", packed_at(4, 0), lambda n: n - 1),
        "depthwise_conv_2d",
        partial(with_scale, "depthwise_conv_2d", 4, 0.5),
    ),
    "rounding": Plant(break_rounding, "conv_2d", None),
}


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """Verifies a library with a planted error on all executions available here, once; also returns
    the tensors of the C library on this computer.
    """
    folder = tmp_path_factory.mktemp("planted")
    known: dict[str, tuple[Verification, Tensors]] = {}

    def run(name: str) -> tuple[Verification, Tensors]:
        if name not in known:
            library = write_library(GRAPH, folder / name)
            if name in PLANTS:
                PLANTS[name].edit(library)
            board = load_board(
                BOARD if firmware_build.missing(load_board(BOARD)) is None else "host"
            )
            firmware = FirmwareBuild(board, library, "t", folder / "build")
            with session(GRAPH, HASH, firmware, None, Silent()) as running:
                found = verify(GRAPH, MODEL, INPUTS, running.executions)
                known[name] = found, dict(host_of(running).run(INPUTS))
        return known[name]

    return run


def host_of(running: Session) -> TensorExecution:
    (host,) = (each for each in running.executions if each.name == "host")
    assert isinstance(host, TensorExecution)
    return host


@pytest.fixture(params=["host", "device"])
def execution(request: pytest.FixtureRequest) -> str:
    why = firmware_build.missing(load_board(BOARD))
    if request.param == "device" and why is not None:
        pytest.skip(f"C on {BOARD} can't run: {why}")
    return str(request.param)


def first_difference(wrong: Tensors, execution: str) -> Difference:
    """The first difference, found independently of verify: tensor by tensor, element by element."""
    for node in GRAPH.nodes:
        name = node.outputs[0]
        for index in np.ndindex(RIGHT[name].shape):
            right, actual = int(RIGHT[name][index]), int(wrong[name][index])
            if right != actual:
                sample, position = index[0], index[1:]
                count = sum(
                    int(a) != int(b)
                    for a, b in zip(RIGHT[name][sample].flat, wrong[name][sample].flat, strict=True)
                )
                return Difference(
                    *(execution, name, node.name, node.op.name, sample, position, right, actual),
                    *(count, RIGHT[name][sample].size),
                )
    raise AssertionError("no difference")


def test_without_an_error_all_agree(verified: Verified, execution: str) -> None:
    found, _ = verified("none")
    assert execution in found.executions
    assert found.executions[:3] == ("litert", "simulator", "host")
    assert found.equal


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_error_is_named(name: str, verified: Verified, execution: str) -> None:
    found, tensors = verified(name)
    differences = {difference.execution: difference for difference in found.differences}
    assert "simulator" not in differences
    difference = differences[execution]
    assert difference.layer == PLANTS[name].layer
    assert difference == first_difference(tensors, execution)
    predicted = PLANTS[name].wrong
    if predicted is not None:
        assert difference == first_difference(predicted(), execution)


def test_an_error_in_the_simulator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Add.reference

    def wrong(self: Add, operands: Operands, inputs: list[Array]) -> Array:
        values = right(self, operands, inputs)
        values[1, 2, 0, 4] ^= 64
        return values

    monkeypatch.setattr(Add, "reference", wrong)
    firmware = FirmwareBuild(load_board("host"), Path(), "t", Path())
    monkeypatch.setattr(firmware_build, "host_available", lambda: False)
    with session(GRAPH, HASH, firmware, None, Silent()) as running:
        found = verify(GRAPH, MODEL, INPUTS, running.executions)
    expected = int(RIGHT["add"][1, 2, 0, 4])
    assert found.differences == (
        Difference(
            "simulator", "add", "add", "add", 1, (2, 0, 4), expected, expected ^ 64, 1, 54
        ),
    )  # fmt: skip

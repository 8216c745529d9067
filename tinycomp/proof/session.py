"""Sets up the executions of a build that are available: the simulator, C on this computer, C on the
board.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tinycomp.common.errors import OverflowingError
from tinycomp.common.installing import install_command
from tinycomp.common.progress import Progress
from tinycomp.device import firmware_build
from tinycomp.device.execution import DeviceExecution, attached, emulated
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.link import SerialPort
from tinycomp.device.protocol import Device, ModelLayout
from tinycomp.device.runner import run_host
from tinycomp.emit.nodes import tensor_order
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.reference.compare import Execution, TensorExecution, simulator
from tinycomp.target.boards import Board

NOT_EMULATED = "flash wait states, caches, interrupts and peripherals of the chip"
"""The differences of a stand-in if the board's file has no `differs`."""


@dataclass(frozen=True)
class Session:
    """The executions that can run here, and the device if one answers."""

    executions: tuple[Execution, ...]
    """Those compared with LiteRT: the simulator, and C on the host and on the board if available.
    """
    device: Device | None
    """The connected or emulated board; None if there is none."""
    stand_in: Board | None = None
    """The emulated board, if it replaces the build's board."""


@contextmanager
def session(
    graph: Graph, sha256: str, firmware: FirmwareBuild, port: SerialPort | None, progress: Progress,
    *, compare: bool = True,
) -> Iterator[Session]:  # fmt: skip
    """Open the available executions; others are skipped, with a note about what is missing.

    Args:
        graph: the int8 graph that was emitted.
        sha256: of its .tflite; a device with another model is refused.
        firmware: compiles its library.
        port: connection to a real board, used instead of the emulator.
        progress: shows compilation, receives notes.
        compare: whether to set up executions for comparison, not only the device.

    Raises:
        ToolError: a compiler fails.
        DeviceError: the device does not answer, or runs another model.
    """
    other = None if port else _stand_in(firmware.board, progress)
    on_device = firmware if other is None else replace(firmware, board=other)
    with _device(on_device, port, progress) as device:
        if device is not None:
            device.expect_model(sha256, _layout(graph))
        compared = _executions(graph, firmware, device, other, progress) if compare else ()
        yield Session(compared, device, other)


def _stand_in(board: Board, progress: Progress) -> Board | None:
    """The emulated board that replaces one without an emulator; notes the differences."""
    if board.stand_in is None:
        return None
    other = firmware_build.emulated_board(board)
    progress.note(
        f"{board.name} is not emulated: {other.name} stands in for it, with the same kernels. "
        f"Differences: {board.differs or NOT_EMULATED}."
    )
    return other


def _layout(graph: Graph) -> ModelLayout:
    sizes = tuple(graph.tensors[name].nbytes for name in tensor_order(graph))
    return ModelLayout(sizes, graph.tensors[graph.outputs[0]].nbytes, len(graph.nodes))


def _executions(
    graph: Graph, firmware: FirmwareBuild, device: Device | None, stand_in: Board | None,
    progress: Progress,
) -> tuple[Execution, ...]:  # fmt: skip
    executions: list[Execution] = [simulator(graph)]
    if firmware_build.host_available():
        executions.append(_host(graph, firmware, progress))
    else:
        command = install_command(["gcc"])
        progress.note(f"Skipped: C on this computer; gcc is missing ({command}).")
    if device is not None:
        name = f"stand-in {stand_in.name}" if stand_in else DeviceExecution.name
        executions.append(DeviceExecution(device, name))
    return tuple(executions)


def _host(graph: Graph, firmware: FirmwareBuild, progress: Progress) -> Execution:
    with progress.stage("Compiling for this computer"):
        program = firmware.host_runner()
    names = tensor_order(graph)
    sizes = [graph.tensors[name].nbytes for name in names]

    def run(inputs: Array) -> dict[str, Array]:
        tensors = run_host(program, inputs.reshape(len(inputs), -1), sizes)
        return {
            name: values.view(graph.tensors[name].dtype).reshape(-1, *graph.tensors[name].shape)
            for name, values in zip(names, tensors, strict=True)
        }

    return TensorExecution("host", run)


@contextmanager
def _device(
    firmware: FirmwareBuild, port: SerialPort | None, progress: Progress
) -> Iterator[Device | None]:
    board = firmware.board
    if port is not None:
        with attached(board, port) as device:
            yield device
    elif board.is_host:
        yield None
    elif missing := firmware_build.missing(board):
        progress.note(f"Skipped: C on {board.name}; {missing}")
        yield None
    elif (program := _board_program(firmware, progress)) is None:
        yield None
    else:
        with emulated(board, program) as device:
            yield device


def _board_program(firmware: FirmwareBuild, progress: Progress) -> Path | None:
    """The library with the harness; None, with a note, if both together are too large."""
    board = firmware.board.name
    with progress.stage(f"Compiling for {board}"):
        try:
            return firmware.board_program()
        except OverflowingError:
            progress.note(
                f"Skipped: C on {board}; the model fits, but not together with the test harness, "
                "which needs its own input and output. It is verified as C on this computer."
            )
            return None

"""A device as one of the executions compared by verify: tensors are compared by checksum, and only
read if one differs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DeviceError
from tinycomp.device.emulator import emulate, emulator_of, run_native
from tinycomp.device.link import Link, SerialPort
from tinycomp.device.protocol import Device
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.reference.compare import Difference, compare, compared_tensors
from tinycomp.target.boards import Board


@contextmanager
def emulated(board: Board, program: Path) -> Iterator[Device]:
    """The harness on the board's emulator, or on this computer for the host board.

    Raises:
        ToolError: the emulator is not installed.
        DeviceError: it does not answer.
    """
    with _running(board, program) as port, Link(port, baud=board.baud) as link:
        yield Device(link)


def _running(board: Board, program: Path) -> AbstractContextManager[str]:
    if board.emulator is None:
        return run_native(program)
    return emulate(emulator_of(board.emulator, program.parent), program)


@contextmanager
def attached(board: Board, port: SerialPort) -> Iterator[Device]:
    """The harness on a real board, over a serial port.

    Raises:
        DeviceError: there is no such port, or nothing answers.
    """
    baud = port.baud or board.baud
    with Link(port.name, baud=baud, reset=port.reset) as link:
        yield Device(link, startup_seconds=port.startup_seconds)


@dataclass(frozen=True)
class DeviceExecution:
    """Runs samples on a device and compares the checksums of all tensors."""

    device: Device
    """The connected board or emulator."""
    name: str = "device"
    """Its name in the comparison."""

    def first_difference(
        self, graph: Graph, inputs: Array, expected: Mapping[str, Array]
    ) -> Difference | None:
        """Differences in order of samples, then of computation of the tensors.

        Raises:
            DeviceError: it does not answer, or its results are not reproducible.
        """
        for number, sample in enumerate(inputs):
            wanted = {name: values[number][None] for name, values in expected.items()}
            found = self._watched(graph, sample, wanted) or self._unwatched(graph, wanted)
            if found is not None:
                return replace(found, sample=number)
        return None

    def _watched(
        self, graph: Graph, sample: Array, expected: Mapping[str, Array]
    ) -> Difference | None:
        """Differences in the tensors of one sample, by their checksums."""
        self.device.load(sample)
        checksums = self.device.checksums()[1:]
        for index, tensor in enumerate(compared_tensors(graph), start=1):
            crc = checksums[index - 1].crc
            if crc == zlib.crc32(np.ascontiguousarray(expected[tensor]).tobytes()):
                continue
            found = compare(graph, tensor, expected[tensor], self.device.tensor(index), self.name)
            if found is not None:
                return found
            if crc is not None:
                raise _changeable(tensor)
        return None

    def _unwatched(self, graph: Graph, expected: Mapping[str, Array]) -> Difference | None:
        """Differences in the output of the measured inference, which has no hooks."""
        (output,) = graph.outputs
        self.device.run()
        name = f"{self.name} without hooks"
        return compare(graph, output, expected[output], self.device.output(), name)


def _changeable(tensor: str) -> DeviceError:
    return DeviceError(
        f"The device's checksum of tensor '{tensor}' and its bytes differ, and each came from a "
        "separate run on the same input.",
        hint="Something else writes to its memory: check the stack's size, interrupts and power.",
    )

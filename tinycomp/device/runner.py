"""Runs a library on this computer: firmware/harness/host_runner.c in, every tensor out."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ToolError
from tinycomp.ir.tensor import Array

HEADER = struct.Struct("<HII")
END_OF_SAMPLE = 0xFFFF
BYTES_A_BATCH = 64_000_000
EXIT_CODES = {
    1: "its output could not be written",
    2: "the input ended within a sample",
    3: "the measured inference and the watched one differ in their output",
}


@dataclass(frozen=True)
class _Record:
    """A part of a tensor in the records of a sample."""

    tensor: int
    """Number of the tensor."""
    offset: int
    """First byte within the tensor."""
    size: int
    """Bytes."""
    at: int
    """Position of the bytes in the records of a sample."""


def run_host(program: Path, inputs: Array, tensor_sizes: Sequence[int]) -> list[NDArray[np.int8]]:
    """Run the watched inference on each sample.

    Args:
        program: host_runner.c linked with the generated library.
        inputs: integers, shape (samples, elements).
        tensor_sizes: bytes of each tensor, the model's input first.

    Returns:
        The bytes of each tensor, (samples, size), in the order of tensor_sizes.

    Raises:
        ToolError: it failed (the message has a sanitizer's report), or its records are invalid.
    """
    tensors = [np.zeros((len(inputs), size), np.int8) for size in tensor_sizes]
    inputs = np.ascontiguousarray(inputs).view(np.int8)
    tensors[0][:] = inputs
    seen = [np.zeros(size, bool) for size in tensor_sizes]
    step = max(1, BYTES_A_BATCH // max(1, sum(tensor_sizes)))
    for first in range(0, len(inputs), step):
        batch = np.ascontiguousarray(inputs[first : first + step])
        data = np.frombuffer(_run(program, batch.tobytes()), np.uint8)
        for record in _take_apart(program, data, len(batch), tensors, first):
            seen[record.tensor][record.offset : record.offset + record.size] = True
    for index, bytes_seen in enumerate(seen[1:], start=1):
        if len(inputs) and not bytes_seen.all():
            raise ToolError(
                f"{program.name} reported {bytes_seen.sum()} of {bytes_seen.size} bytes "
                f"of tensor {index}."
            )
    return tensors


def _run(program: Path, data: bytes) -> bytes:
    process = subprocess.run([program.resolve()], input=data, capture_output=True, check=False)
    if process.returncode or process.stderr:
        why = EXIT_CODES.get(process.returncode, f"exit code {process.returncode}")
        text = process.stderr.decode(errors="replace").strip()
        raise ToolError(f"{program.name} failed on this computer: {why}. {text[:2000]}")
    return process.stdout


def _take_apart(
    program: Path,
    data: NDArray[np.uint8],
    samples: int,
    tensors: Sequence[NDArray[np.int8]],
    first: int,
) -> list[_Record]:
    """Copy records to tensors[...][first:]; all samples have the same records, so one is parsed."""
    records, stride = _layout(program, data, [tensor.shape[1] for tensor in tensors])
    if data.size != stride * samples:
        raise ToolError(f"{program.name} wrote {data.size} bytes, not {samples} x {stride}.")
    rows = data.reshape(samples, stride)
    for record in records:
        header = rows[:, record.at - HEADER.size : record.at]
        if (header != header[0]).any():
            raise ToolError(f"{program.name} reported other records for other samples.")
        part = rows[:, record.at : record.at + record.size].view(np.int8)
        tensors[record.tensor][
            first : first + samples, record.offset : record.offset + record.size
        ] = part
    return records


def _layout(
    program: Path, data: NDArray[np.uint8], sizes: Sequence[int]
) -> tuple[list[_Record], int]:
    """Return the records of the first sample, and their total bytes."""
    records: list[_Record] = []
    at = 0
    while at + HEADER.size <= data.size:
        tensor, offset, size = HEADER.unpack(data[at : at + HEADER.size].tobytes())
        at += HEADER.size
        if tensor == END_OF_SAMPLE:
            return records, at
        if tensor >= len(sizes) or offset + size > sizes[tensor]:
            raise ToolError(
                f"{program.name} reported bytes {offset} to {offset + size} of tensor {tensor}.",
                expected=f"Expected bytes within the tensors' sizes, {list(sizes)}.",
            )
        records.append(_Record(tensor, offset, size, at))
        at += size
    raise ToolError(f"{program.name} stopped within a sample.")

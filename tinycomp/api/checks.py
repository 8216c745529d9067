"""Builds are run and measured."""

from __future__ import annotations

import os

from tinycomp import folder_checks
from tinycomp.api._data import DATA_LIMIT, Data, data_file
from tinycomp.api._log import Logged
from tinycomp.api._scratch import scratch_folder
from tinycomp.api.built import Built, board_name, folder_of
from tinycomp.common.progress import Progress
from tinycomp.device.link import SerialPort
from tinycomp.options.build import BuildOptions
from tinycomp.options.data import DataOptions
from tinycomp.reference.compare import Verification
from tinycomp.report.record import Report


def verify(
    build: Built,
    *,
    board: str | os.PathLike[str] | None = None,
    data: Data = None,
    samples: int = BuildOptions.samples,
    input_scale: float = DataOptions.scale,
    input_offset: float = DataOptions.offset,
    x_key: str | None = DataOptions.x_key,
    label_column: str | None = DataOptions.label_column,
    port: SerialPort | str | None = None,
    data_limit: int = DATA_LIMIT,
    progress: Progress | None = None,
) -> Verification:
    """Run LiteRT, the simulator, C on the host and C on the board; compare every byte of every
    tensor.

    Args:
        build: a build, or the path of its folder.
        board: another board than the build's, on which the same library runs.
        data: samples, as in `build`; None: seeded random inputs.
        samples: how many are compared.
        input_scale: as in `build`.
        input_offset: as in `build`.
        x_key: as in `build`.
        label_column: as in `build`.
        port: the serial port of a real board; None: an emulator.
        data_limit: as in `build`.
        progress: as in `build`.

    Returns:
        The executions that were compared. `equal` says whether all agree; `differences` are the
        first ones.

    Raises:
        TinycompError: the folder is no build; a compiler or a device fails.
    """
    progress = progress or Logged()
    with scratch_folder() as scratch:
        return folder_checks.verify(
            folder_of(build),
            board_name(board),
            data_file(data, scratch, data_limit, progress),
            DataOptions(x_key, None, input_scale, input_offset, label_column=label_column),
            samples,
            _port(port),
            progress,
        )


def bench(
    build: Built,
    *,
    board: str | os.PathLike[str] | None = None,
    port: SerialPort | str | None = None,
    estimate_cycles: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Measure one inference on a board: latency by layer, flash, RAM and stack.

    Args:
        build: a build, or the path of its folder.
        board: another board than the build's.
        port: the serial port of a real board; None: an emulator.
        estimate_cycles: estimate cycles on a real chip from the emulated instructions.
        progress: as in `build`.

    Raises:
        TinycompError: the folder is no build; a compiler or a device fails or is missing.
    """
    progress = progress or Logged()
    return folder_checks.bench(
        folder_of(build), board_name(board), _port(port), progress, estimate_cycles
    )


def _port(port: SerialPort | str | None) -> SerialPort | None:
    return SerialPort(port) if isinstance(port, str) else port

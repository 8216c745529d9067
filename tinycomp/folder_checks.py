"""Verifies and measures what an earlier build wrote into a folder."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from tinycomp.common.errors import BoardError, OutputError
from tinycomp.common.progress import Progress, Silent
from tinycomp.cycles.estimate import require_silicon
from tinycomp.data.dataset import load_data
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.link import SerialPort
from tinycomp.device.port_errors import require_port
from tinycomp.emit.folder import add_files
from tinycomp.emit.project import project_paths
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions
from tinycomp.prepare import evaluation_inputs
from tinycomp.proof.assembly import MODEL_NAME
from tinycomp.proof.built_for import board_of
from tinycomp.proof.checks import add_cycle_estimate, compare_all, time_inference, with_stand_in
from tinycomp.proof.measure import flash_record, room_record
from tinycomp.proof.session import session
from tinycomp.reducing import by_hops, reduce
from tinycomp.reference.compare import Verification
from tinycomp.reference.simulate import first_rows
from tinycomp.report.html import HTML_NAME, html, now
from tinycomp.report.record import REPORT_NAME, Report, read_report, to_json
from tinycomp.target.boards import own_keys


def verify(
    folder: Path, board: str | None, data: Path | None, options: DataOptions, samples: int,
    port: SerialPort | None, progress: Progress,
) -> Verification:  # fmt: skip
    """Compare all executions of a build.

    Args:
        folder: what `build` wrote.
        board: another board than it was built for, on which the same library runs; None: that one.
        data: an .npz to take samples of; None: seeded random inputs.
        options: how to read it.
        samples: how many.
        port: how a real board is reached; None: an emulator.
        progress: shows the stages.

    Raises:
        TinycompError: the folder is no build; a compiler or a device fails.
    """
    report, tflite, graph = built_folder(folder)
    if port is not None:
        require_port(port.name)
    shape = graph.sample_shape
    if graph.stream is not None:
        shape = (graph.stream.window, *shape[1:])
    dataset = None if data is None else load_data(data, shape, options, named=graph.named_inputs)
    inputs = evaluation_inputs(graph, dataset, samples)
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        firmware = firmware_build(folder, report, board, Path(scratch))
        with session(graph, report.model.sha256, firmware, port, progress) as running:
            return compare_all(graph, tflite, inputs, running, progress)


def bench(
    folder: Path, board: str | None, port: SerialPort | None, progress: Progress,
    estimate_cycles: bool = False,
) -> Report:  # fmt: skip
    """Measure a build on a board: latency by layer, flash, RAM, stack. See verify for the
    arguments.

    With estimate_cycles also what it would take on a real chip; on the build's own board that goes
    into the folder's reports.

    Raises:
        TinycompError: the folder is no build; a compiler or a device fails or is missing; the board
            has no [silicon] section.
    """
    report, _, graph = built_folder(folder)
    if estimate_cycles and port is not None:
        raise BoardError(
            "A real board's cycles are measured, not estimated.",
            hint="Leave --estimate-cycles out, or --port to use the emulator.",
        )
    if port is not None:
        require_port(port.name)
    built_for, inputs = report.board, first_rows(graph, evaluation_inputs(graph, None, 1))
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        firmware = firmware_build(folder, report, board, Path(scratch))
        if estimate_cycles:
            require_silicon(firmware.board)
        report = _bench_once(report, firmware, graph, inputs, port, progress)
        if estimate_cycles:
            report = add_cycle_estimate(report, firmware, inputs, progress)
            if report.board == built_for:
                add_files(folder, {REPORT_NAME: to_json(report), HTML_NAME: html(report, now())})
    return report


def _bench_once(
    report: Report, firmware: FirmwareBuild, graph: Graph, inputs: Array, port: SerialPort | None,
    progress: Progress,
) -> Report:  # fmt: skip
    """The report with what is measured on the firmware's board."""
    board = firmware.board
    room, own = room_record(board), own_keys(board)
    report = replace(report, board=board.name, own_board=own, room=room)
    measured = firmware.measure()
    assert report.ram is not None
    report = replace(
        report, flash=flash_record(measured), ram=replace(report.ram, stack=measured.stack)
    )
    sha256 = report.model.sha256
    with session(graph, sha256, firmware, port, progress, compare=False) as running:
        if running.device is None:
            raise BoardError(
                f"Nothing can be timed on {firmware.board.name} here.",
                hint="Name a board with an emulator (--board cortex-m4), or a port (--port).",
            )
        report = with_stand_in(report, running)
        return time_inference(report, firmware.board, running, graph, inputs, progress)


def built_folder(folder: Path) -> tuple[Report, bytes, Graph]:
    """The report, the .tflite and the graph of a build.

    Raises:
        OutputError: the folder is no build, or holds another model than it was built from.
    """
    report = read_report(folder)
    path = folder / MODEL_NAME
    if not path.is_file():
        raise OutputError(f"'{folder}' holds no {MODEL_NAME}.", hint="Build the model again.")
    tflite = path.read_bytes()
    if hashlib.sha256(tflite).hexdigest() != report.model.sha256:
        raise OutputError(
            f"'{path}' is not the model that this folder was built from.",
            hint="Build the model again.",
        )
    graph = reduce(parse_tflite(tflite, report.model.name), Silent())
    if report.stream is not None:
        graph = by_hops(graph, report.stream.hop)
    return report, tflite, replace(graph, input_transform=report.input_transform)


def firmware_build(folder: Path, report: Report, name: str | None, build: Path) -> FirmwareBuild:
    """Where the library of a build is compiled, for its own board or another of its kind.

    Raises:
        BoardError: the library can't be used on the other board.
        OutputError: the folder lacks its library.
    """
    built_for = board_of(report)
    board = board_of(report, name)
    library = folder / project_paths(built_for, report.prefix).library
    if not (library / f"{report.prefix}.c").is_file():
        raise OutputError(
            f"'{folder}' lacks its library '{library}'.", hint="Build the model again."
        )
    if board.memory.harvard and not built_for.memory.harvard:
        raise BoardError(
            f"'{folder}' was built for {built_for.name}; on {board.name} weights must be copied "
            "from program memory, for which its arena has no room.",
            hint=f"Build it with --board {board.name}.",
        )
    return FirmwareBuild(board, library, report.prefix, build, report.benchmark)

"""One flat function per user goal: the order of all stages, readable from top to bottom."""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinycomp.common.errors import BoardError, DifferenceError, OutputError
from tinycomp.common.progress import Progress, Silent
from tinycomp.cycles.estimate import require_silicon
from tinycomp.data.dataset import load_data
from tinycomp.data.score import Score
from tinycomp.data.scored import notes_of
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.link import SerialPort
from tinycomp.device.port_errors import require_port
from tinycomp.emit.benchmarks import benchmark_named, require_benchmark
from tinycomp.emit.c_syntax import c_prefix, why_renamed
from tinycomp.emit.folder import (
    add_files,
    refuse_existing,
    refuse_existing_file,
    write_file,
    write_folder,
)
from tinycomp.emit.package_files import FOLDER as PACKAGES
from tinycomp.emit.package_files import package_notes
from tinycomp.emit.project import is_made_of_model, kind_of, project_paths
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.options.compress import SIZES_BOARD
from tinycomp.options.data import DataOptions
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, evaluation_inputs, prepare
from tinycomp.proof.accuracy import evaluate_int8
from tinycomp.proof.assembly import MODEL_NAME, Assembler
from tinycomp.proof.built_for import board_of
from tinycomp.proof.checks import (
    add_cycle_estimate,
    add_layer_errors,
    compare_all,
    evaluate_accuracy,
    measure_code,
    time_inference,
    verify_record,
)
from tinycomp.proof.measure import (
    activation_records,
    flash_record,
    layer_records,
    ram_record,
    room_record,
    stream_record,
)
from tinycomp.proof.memory_map import memory_record
from tinycomp.proof.plain import compare_with_plain, compare_with_window
from tinycomp.proof.provenance import provenance
from tinycomp.proof.session import Session, session
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.recipes.compression import prepare_by_recipe
from tinycomp.reducing import by_hops, reduce
from tinycomp.reference.compare import Verification
from tinycomp.reference.simulate import first_rows, run
from tinycomp.report.html import HTML_NAME, html, now
from tinycomp.report.record import (
    REPORT_NAME,
    ModelRecord,
    Report,
    read_report,
    to_json,
)  # fmt: skip
from tinycomp.target.boards import Board, load_board, own_keys


def build(options: BuildOptions, progress: Progress) -> Report:
    """Do the whole job: import, clean up, quantize, compress, emit; evaluate, verify and bench what
    was emitted.

    The folder is written at the very end, whole or not at all.

    Raises:
        TinycompError: anything the user can put right, and executions that differ; nothing was
            written.
    """
    board = load_board(options.board)
    _refuse_output(options, board)
    prepared, steps = prepare_by_recipe(options.prepare, options.board, options.planning, progress)
    if (benchmark := benchmark_named(options.benchmark)) is not None:
        require_benchmark(benchmark, prepared.graph)
    emitted = _streamed(prepared, options, progress)
    prefix = c_prefix(prepared.graph.name)
    if why := why_renamed(prepared.graph.name):
        progress.note(f"The library is called {prefix}: {why}. Choose another name with --name.")
    _refuse_other_library(options, board, prefix)
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        assembler = Assembler(
            board,
            options.planning,
            Path(scratch),
            progress.note,
            options.benchmark,
            options.packaging,
        )
        built = assembler.cheapest(emitted, progress)
        report = _first_report(emitted, built.plan, board, prefix)
        made_of = provenance(options, board, prepared.dataset, options.command)
        report = replace(report, benchmark=options.benchmark, steps=steps, provenance=made_of)
        report = measure_code(report, built, progress)
        report = add_layer_errors(report, prepared, progress)
        reading = options.prepare.data_options
        report = evaluate_accuracy(report, prepared, progress, reading)
        report = _run(report, options, emitted, built.firmware, progress)
        if emitted is prepared:
            report = compare_with_plain(report, prepared, assembler, progress)
        else:
            report = compare_with_window(report, prepared, assembler, progress)
        files = assembler.final_files(emitted, built)
    report = replace(report, notes=tuple(progress.notes))
    files[REPORT_NAME] = to_json(report)
    files[HTML_NAME] = html(report, now())
    _write(options, files, board, prefix, progress)
    return report


def _streamed(prepared: Prepared, options: BuildOptions, progress: Progress) -> Prepared:
    """The model with the graph that is emitted: with --stream, hop by hop.

    Raises:
        ModelError: it can't be streamed.
    """
    if options.stream is None:
        return prepared
    if options.planning.push_input:
        raise BoardError(
            "--stream and --push-input are two ways to hand in rows.",
            hint="Leave --push-input out: --stream keeps what overlaps.",
        )
    graph = by_hops(prepared.graph, options.stream)
    if again := _as_whole(prepared.graph, graph):
        progress.note(
            f"Run as a whole for each hop, since they need all rows of the window: "
            f"{', '.join(map(repr, again))}."
        )
    return replace(prepared, graph=graph)


def _as_whole(window: Graph, streamed: Graph) -> list[str]:
    """Layers that do the same work for a hop as for a window, although the window has rows for
    them.
    """

    def work(graph: Graph) -> dict[str, int]:
        macs = {node.name: node.op.cost(graph.operands(node)).macs for node in graph.nodes}
        return {name: count for name, count in macs.items() if count}

    before, after = work(window), work(streamed)
    most = max(before.values(), default=0)
    return [
        name for name, count in after.items() if count == before.get(name) and 10 * count > most
    ]


def _refuse_output(options: BuildOptions, board: Board) -> None:
    """Refuse an output folder that can't be written, before any work is done for it."""
    if not options.library_only:
        refuse_existing(options.output, force=options.force)
        return
    built_for = read_report(options.output).board
    if built_for != board.name:
        raise OutputError(
            f"'{options.output}' was built for {built_for}, and --library-only keeps its project.",
            hint=f"Build for --board {built_for}, or name another folder for {board.name}.",
        )


def _refuse_other_library(options: BuildOptions, board: Board, prefix: str) -> None:
    library = options.output / project_paths(board, prefix).library
    if options.library_only and not (library / f"{prefix}.h").is_file():
        raise OutputError(
            f"'{options.output}' holds no library {prefix}, and --library-only adds none.",
            hint="Give the model the name of the library there (--name), or use --force.",
        )


def _write(
    options: BuildOptions, files: dict[str, str | bytes], board: Board, prefix: str,
    progress: Progress,
) -> None:  # fmt: skip
    """Write the output folder, or only the library; note files that the user edited and keeps."""

    def in_scope(name: str) -> bool:
        made = is_made_of_model(board, prefix, name) or name in (MODEL_NAME, REPORT_NAME, HTML_NAME)
        packaged = bool(options.packaging.names) and name.startswith(f"{PACKAGES}/")
        return made or packaged or not options.library_only

    kept = write_folder(
        options.output,
        {name: content for name, content in files.items() if in_scope(name)},
        force=options.force or options.library_only,
        editable=kind_of(board).editable,
        scope=in_scope,
    )
    for note in package_notes(board, options.packaging, prefix):
        progress.note(note)
    for name in kept:
        progress.note(f"{name} was edited and stays as it is: remove it to have a new one written.")


def _first_report(prepared: Prepared, planned: Plan, board: Board, prefix: str) -> Report:
    """What is known before anything is compiled."""
    cost = prepared.graph.cost()
    model = ModelRecord(prepared.graph.name, prepared.sha256, cost.macs, cost.parameters)
    return Report(
        model, board.name, prefix, own_board=own_keys(board), room=room_record(board),
        ram=ram_record(planned, None),
        memory=memory_record(planned), layers=layer_records(planned.program),
        tensors=activation_records(planned.program.graph),
        compression=prepared.compression, input_transform=prepared.graph.input_transform,
        stream=stream_record(prepared.graph),
    )  # fmt: skip


def _run(
    report: Report,
    options: BuildOptions,
    prepared: Prepared,
    firmware: FirmwareBuild,
    progress: Progress,
) -> Report:
    """Compare all executions, and measure one inference on the board."""
    if not (options.verify or options.bench):
        return report
    graph = prepared.graph
    inputs = evaluation_inputs(graph, prepared.dataset, options.samples)
    sha256, compare = prepared.sha256, options.verify
    with session(graph, sha256, firmware, None, progress, compare=compare) as running:
        report = _with_stand_in(report, running)
        if options.verify:
            found = compare_all(graph, prepared.tflite, inputs, running, progress)
            if not found.equal:
                raise DifferenceError(f"Executions differ: {found.differences[0]}.")
            report = replace(report, verify=(verify_record(found),))
        if options.bench and running.device is not None:
            rows = first_rows(graph, inputs)
            report = time_inference(report, firmware.board, running, graph, rows, progress)
    return report


def _with_stand_in(report: Report, running: Session) -> Report:
    """The report with the name of the stand-in, if the device is one."""
    ran = running.device is not None and running.stand_in is not None
    return replace(report, stand_in=running.stand_in.name if ran and running.stand_in else None)


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
        report = _with_stand_in(report, running)
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


def quantize(wanted: Preparation, output: Path | None, force: bool, progress: Progress) -> bytes:
    """A model as an int8 .tflite, written to a file unless None.

    Raises:
        TinycompError: the model, the data or the output file can't be used.
    """
    if output is not None:
        refuse_existing_file(output, force=force)
    prepared, _ = prepare_by_recipe(wanted, SIZES_BOARD, PlanOptions(), progress)
    tflite = prepared.tflite
    if prepared.graph.input_transform is not None:
        progress.note(prepared.graph.input_transform.described)
    if output is not None:
        write_file(output, tflite, force=force)
    return tflite


@dataclass(frozen=True)
class Simulation:
    """What the simulator computed."""

    samples: int
    """Number of samples."""
    score: Score | None
    """Of the output that counts; None if there is nothing to score it by."""
    other_scores: tuple[Score, ...] = ()
    """Of the other outputs that can be scored."""

    @property
    def text(self) -> str:
        """A line for each score."""
        if self.score is None:
            return f"{self.samples} samples were run; there is nothing to score them by."
        return "\n".join(map(_line, (self.score, *self.other_scores)))


def _line(score: Score) -> str:
    others = (f"{key} {value:.4f}" for key, value in score.others.items() if value is not None)
    listed = ", ".join([f"{score.value:.4f}", *others])
    of = f" of {score.output!r}" if score.output else ""
    return f"{score.metric}{of} on {score.samples} samples: {listed}"


def simulate(
    model: Path, data: Path, options: DataOptions, output: Path | None, force: bool,
    progress: Progress,
) -> Simulation:  # fmt: skip
    """Run the reference simulator over the evaluation half of a data set.

    Args:
        model: an int8 .tflite, or a Keras model, which is quantized first.
        data: the samples.
        options: how to read them.
        output: where to write the int8 outputs, an .npz; None: nowhere.
        force: whether an existing file may be replaced.
        progress: shows the stages.

    Raises:
        TinycompError: the model, the data or the output file can't be used.
    """
    if output is not None:
        refuse_existing_file(output, force=force)
    prepared = prepare(Preparation(model, data, options), progress)
    assert prepared.dataset is not None
    for note in notes_of(prepared.scored):
        progress.note(note)
    x = prepared.dataset.x_test
    with progress.stage(f"Simulating {len(x)} samples"):
        found = evaluate_int8(prepared.graph, prepared.scored, x)
        if output is not None:
            archive = io.BytesIO()
            np.savez(archive, allow_pickle=False, **_outputs(prepared.graph, x))
            write_file(output, archive.getvalue(), force=force)
    scores = [each for each in found if each is not None]
    return Simulation(len(x), scores[0] if scores else None, tuple(scores[1:]))


def _outputs(graph: Graph, x: Array) -> dict[str, Array]:
    """The outputs of all samples, and what makes real numbers of them:
    (output - zero_point) * scale. Of several outputs, one after the other, also their sizes.
    """
    found = run(graph, quantize_inputs(graph, x))
    parts = [part for part in output_parts(graph) if part.quantization is not None]
    scales = [part.quantization.scale for part in parts if part.quantization]
    zero_points = [part.quantization.zero_point for part in parts if part.quantization]
    several = len(parts) > 1
    return {
        "output": found,
        "scale": np.array(scales if several else scales[0], np.float32),
        "zero_point": np.array(zero_points if several else zero_points[0], np.int32),
        **({"size": np.array([part.size for part in parts])} if several else {}),
    }

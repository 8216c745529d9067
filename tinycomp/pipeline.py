"""One flat function per user goal: the order of all stages, readable from top to bottom."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from tinycomp.common.errors import BoardError, DifferenceError, OutputError
from tinycomp.common.progress import Progress
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.emit.benchmarks import benchmark_named, require_benchmark
from tinycomp.emit.c_syntax import c_prefix, why_renamed
from tinycomp.emit.folder import refuse_existing, refuse_existing_file, write_file, write_folder
from tinycomp.emit.package_files import FOLDER as PACKAGES
from tinycomp.emit.package_files import package_notes
from tinycomp.emit.project import is_made_of_model, kind_of, project_paths
from tinycomp.ir.graph import Graph
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.options.compress import SIZES_BOARD
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, evaluation_inputs
from tinycomp.proof.assembly import MODEL_NAME, Assembler
from tinycomp.proof.checks import (
    add_layer_errors,
    compare_all,
    evaluate_accuracy,
    measure_code,
    time_inference,
    verify_record,
    warn_of_noise,
    with_stand_in,
)
from tinycomp.proof.measure import (
    activation_records,
    layer_records,
    ram_record,
    room_record,
    stream_record,
)
from tinycomp.proof.memory_map import memory_record
from tinycomp.proof.plain import compare_with_plain, compare_with_window
from tinycomp.proof.provenance import provenance
from tinycomp.proof.session import session
from tinycomp.recipes.compression import prepare_by_recipe
from tinycomp.reducing import by_hops
from tinycomp.reference.simulate import first_rows
from tinycomp.report.html import HTML_NAME, html, now
from tinycomp.report.record import REPORT_NAME, ModelRecord, Report, read_report, to_json
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
        warn_of_noise(report, prepared, progress)
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
        report = with_stand_in(report, running)
        if options.verify:
            found = compare_all(graph, prepared.tflite, inputs, running, progress)
            if not found.equal:
                raise DifferenceError(f"Executions differ: {found.differences[0]}.")
            report = replace(report, verify=(verify_record(found),))
        if options.bench and running.device is not None:
            rows = first_rows(graph, inputs)
            report = time_inference(report, firmware.board, running, graph, rows, progress)
    return report


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

"""Comparison of a compressed build with plain int8 of the same model, so that compression is never
silently worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Progress, Silent
from tinycomp.ir.tensor import Array
from tinycomp.prepare import Prepared, evaluation_inputs
from tinycomp.proof.assembly import Assembler, Assembly, lower_for
from tinycomp.proof.measure import flash_record, ram_record
from tinycomp.proof.session import session
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.simulate import first_rows
from tinycomp.report.record import PlainRecord, Report


def compare_with_plain(
    report: Report, prepared: Prepared, assembler: Assembler, progress: Progress
) -> Report:
    """Add the figures of plain int8, if the model is compressed and there is a compiler; a note
    says which of them compression makes worse.
    """
    if prepared.dense is None or report.flash is None:
        return report
    plain = replace(
        prepared,
        graph=reduce(prepared.dense, Silent()),
        tflite=write_tflite(prepared.dense),
        dense=None,
        compression={},
    )
    with progress.stage("Building plain int8 for comparison"):
        silent = replace(assembler, note=lambda _: None)
        record = _measured(report, plain, silent.cheapest(plain, Silent(), "plain"))
    if worse := tuple(_worse(report, record)):
        progress.note(
            f"Plain int8 is better here: {', '.join(worse)}. "
            "Build without compression if this matters more."
        )
    return replace(report, plain=record)


def compare_with_window(
    report: Report, prepared: Prepared, assembler: Assembler, progress: Progress
) -> Report:
    """Add the figures of the same model run on a whole window, if it is streamed and there is a
    compiler.
    """
    if report.stream is None or report.flash is None:
        return report
    with progress.stage("Building the whole window for comparison"):
        program = lower_for(prepared, assembler.board, assembler.options)
        record = _measured(report, prepared, assembler.assemble(prepared, program, "window"))
    return replace(report, stream=replace(report.stream, whole=record))


def _measured(report: Report, plain: Prepared, built: Assembly) -> PlainRecord:
    measured = built.measured
    record = PlainRecord(flash_record(measured), ram_record(built.plan, measured.stack))
    if report.latency is None:
        return record
    sample = first_rows(plain.graph, evaluation_inputs(plain.graph, plain.dataset, 1))[0]
    return _timed(record, plain, built, sample)


def _timed(record: PlainRecord, plain: Prepared, built: Assembly, sample: Array) -> PlainRecord:
    """Add the latency, if plain int8 fits the board at all."""
    try:
        with session(
            plain.graph, plain.sha256, built.firmware, None, Silent(), compare=False
        ) as running:
            if running.device is None:
                return record
            running.device.load(sample)
            running.device.run()
            stack, latency = running.device.stack(), running.device.run()
    except TinycompError:
        return record
    ram = record.ram if stack is None else replace(record.ram, stack=stack)
    return replace(record, ram=ram, latency=latency)


def _worse(report: Report, plain: PlainRecord) -> Iterator[str]:
    """Each figure that is worse by more than 1 % in the compressed build."""
    assert report.flash is not None
    figures = [("bytes of flash", report.flash.total, plain.flash.total)]
    if report.ram is not None:
        figures.append(("bytes of RAM", report.ram.total, plain.ram.total))
    if report.latency is not None and plain.latency is not None:
        figures.append((report.latency.unit, report.latency.value, plain.latency))
    for what, compressed, dense in figures:
        if compressed > 1.01 * dense:
            yield f"{dense:,} {what} instead of {compressed:,}"

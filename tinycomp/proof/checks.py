"""Checks and measurements after a build: code size, accuracy, equality of executions, latency. Each
adds its results to the report.
"""

from __future__ import annotations

from dataclasses import replace

from tinycomp.common.errors import DifferenceError
from tinycomp.common.installing import install_command
from tinycomp.common.progress import Progress
from tinycomp.cycles.estimate import estimate
from tinycomp.data.score import ACCURACY, R2, TOP_1
from tinycomp.data.scored import notes_of
from tinycomp.data.task import NOT_SCORED
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import original
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions
from tinycomp.prepare import Prepared
from tinycomp.proof.accuracy import accuracy_records
from tinycomp.proof.assembly import Assembly
from tinycomp.proof.doubts import data_doubts
from tinycomp.proof.measure import flash_record, footprint, latency_record, ram_record
from tinycomp.proof.session import Session
from tinycomp.proof.time import time_of
from tinycomp.quantization.layer_errors import most_to_blame, signal_to_noise
from tinycomp.reference.compare import Verification, verify
from tinycomp.report.record import Report, VerifyRecord
from tinycomp.target.boards import Board
from tinycomp.target.fit import check_fit
from tinycomp.target.toolchain import is_available

LOSS = 0.02
"""Loss of a score by int8 that is accepted without a warning."""
LEAST_RATIO = 10.0
"""dB of an output's float values over its int8 errors, below which a build without labels warns:
errors of a third of the values.
"""
SHARES = (TOP_1, ACCURACY, R2)
"""Metrics to which LOSS applies."""
_ABORTS = (
    "LiteRT's reference aborts on a softmax whose exponentials add up to 512 or more. There the "
    "library returns 0 for all classes."
)


def measure_code(report: Report, built: Assembly, progress: Progress) -> Report:
    """Add flash and the computed stack; refuse a model that does not fit."""
    board, planned = built.firmware.board, built.plan
    check_fit(board, footprint(planned, None))
    if not is_available(board.compiler):
        command = install_command(board.compiler.packages)
        progress.note(f"Skipped: code size; {board.compiler.prefix}gcc is missing ({command}).")
        return report
    with progress.stage(f"Measuring code for {board.name}"):
        measured = built.measured
    check_fit(board, footprint(planned, measured))
    return replace(report, flash=flash_record(measured), ram=ram_record(planned, measured.stack))


def evaluate_accuracy(
    report: Report, prepared: Prepared, progress: Progress, options: DataOptions | None = None
) -> Report:
    """Add the scores of the float, int8 and emitted models, all by the same metrics. A warning says
    if the data, read by these options, don't seem to suit the model.

    Verification proves that the device computes the same as the emitted model, so its accuracy is
    not measured separately.
    """
    data, scored = prepared.dataset, prepared.scored
    if data is None or not scored:
        return report
    told = any(note.startswith(NOT_SCORED) for note in data.notes)  # why labels were left out
    for note in notes_of(scored):
        if not (told and note.startswith(NOT_SCORED)):
            progress.note(note)
    targets = scored[0].targets
    if targets.task is None:
        return report
    with progress.stage(f"Evaluating on {len(targets.kept)} samples"):
        records = accuracy_records(prepared, data)
    if not records:
        return report
    report = replace(report, accuracy=records[0], other_accuracies=records[1:])
    for note in data_doubts(records[0], prepared, options):
        progress.note(note)
    _warn_of_loss(report, prepared, progress)
    return report


def add_layer_errors(report: Report, prepared: Prepared, progress: Progress) -> Report:
    """Add the signal to noise ratio of each int8 tensor against the float model's."""
    if prepared.core is None or prepared.dataset is None:
        return report
    with progress.stage("Comparing tensors with the float model"):
        ratios = signal_to_noise(prepared.core, original(prepared.graph), prepared.dataset.x)
    return replace(report, signal_to_noise=ratios)


def warn_of_noise(report: Report, prepared: Prepared, progress: Progress) -> None:
    """Where no labels say what int8 costs, warn if it puts an output far off the float model's."""
    if report.accuracies or prepared.core is None:
        return
    ratios = report.signal_to_noise
    puts = f"{report.precision} puts" if prepared.dense is None else "compression puts"
    for name in prepared.core.outputs:
        if ratios.get(name, LEAST_RATIO) < LEAST_RATIO:
            label, share = prepared.core.label(name), 10 ** (-ratios[name] / 20)
            off = f"off the float model's by {share:.0%} of its size (root mean square)"
            progress.note(_with_remedies(f"{puts} output {label!r} {off}.", report, prepared))


def _warn_of_loss(report: Report, prepared: Prepared, progress: Progress) -> None:
    """Warn if quantization alone loses more than LOSS; name the worst tensor and remedies."""
    for record in report.accuracies:
        of = f" of output {record.output!r}" if record.output else ""
        for each in record.metrics:
            if each.metric in SHARES and each.float is not None and each.dense_int8 is not None:
                loss = each.float - each.dense_int8
                if loss > LOSS:
                    points = f"{100 * loss:.1f} points of {each.metric}{of}"
                    what = f"quantization to {report.precision} loses {points}."
                    progress.note(_with_remedies(what, report, prepared))


def _with_remedies(what: str, report: Report, prepared: Prepared) -> str:
    """A warning, the tensor with the largest loss, and what helps."""
    note = f"Warning: {what}"
    blamed = most_to_blame(original(prepared.graph), report.signal_to_noise)
    if blamed is not None:
        name, decibels = blamed
        note += f" The largest loss is in {name!r}: {decibels:.0f} dB of signal to noise."
    wider = "" if "int16" in report.precision else ", 16-bit activations (--activations 16)"
    return (
        f"{note} What helps: calibration samples that cover all inputs of the application, "
        "features of similar range (begin the model with keras.layers.Normalization), ReLU6 "
        f"instead of ReLU, weights without outliers (weight decay){wider}."
    )


def compare_all(
    graph: Graph, tflite: bytes, inputs: Array, running: Session, progress: Progress
) -> Verification:
    """Compare all executions of a session on int8 inputs."""
    with progress.stage(f"Verifying on {len(inputs)} samples", len(inputs)) as advance:
        found = verify(graph, tflite, inputs, running.executions, advance)
    early = min(graph.stream.ready - 1, len(inputs)) if graph.stream else 0
    possible = len(inputs) - early
    if early:
        progress.note(
            f"The {early} inferences before the window is full are not compared with LiteRT."
        )
    if not found.samples:
        cause = _ABORTS if possible else "no window is full."
        raise DifferenceError(
            f"None of {len(inputs)} samples could be compared: {cause}",
            hint="Give other samples with --data, or build without comparison (--no-verify).",
        )
    if found.samples < possible:
        left_out = possible - found.samples
        progress.note(f"{left_out} of {possible} samples were not compared: {_ABORTS}")
    return found


def verify_record(found: Verification) -> VerifyRecord:
    """The record of a comparison for the report."""
    difference = str(found.differences[0]) if found.differences else None
    return VerifyRecord(found.executions, found.samples, found.tensors, found.equal, difference)


def time_inference(
    report: Report, board: Board, running: Session, graph: Graph, inputs: Array, progress: Progress
) -> Report:  # fmt: skip
    """Add latency by layer and stack depth, measured on the device; milliseconds at the board's
    clock.
    """
    assert running.device is not None
    stand_in = running.stand_in
    with progress.stage(f"Measuring on {stand_in.name if stand_in else report.board}"):
        latency = latency_record(running.device, graph, inputs[0])
        stack = running.device.stack()
    per_second = running.device.identity.ticks_per_second
    time = time_of(board, stand_in, latency.value, latency.unit, per_second)
    latency = replace(latency, time=time)
    ram = report.ram if stack is None or report.ram is None else replace(report.ram, stack=stack)
    return replace(report, latency=latency, ram=ram)


def add_cycle_estimate(
    report: Report, firmware: FirmwareBuild, inputs: Array, progress: Progress
) -> Report:
    """Add estimated cycles to the counted instructions."""
    assert report.latency is not None
    with progress.stage(f"Counting instructions by kind on {report.board}"):
        found = estimate(firmware.board, firmware.board_program(), inputs[0])
    return replace(report, latency=replace(report.latency, estimate=found))


def with_stand_in(report: Report, running: Session) -> Report:
    """The report with the name of the stand-in, if the device is one."""
    ran = running.stand_in if running.device is not None else None
    return replace(report, stand_in=None if ran is None else ran.name)

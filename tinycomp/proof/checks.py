"""What a build is put through: code is measured, accuracy evaluated, executions compared, one
inference timed. Each step adds its part to the report.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.common.progress import Progress
from tinycomp.cycles.estimate import estimate
from tinycomp.data.dataset import spread
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.protocol import Device
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, quantize_inputs
from tinycomp.proof.measure import flash_record, footprint, latency_record, ram_record
from tinycomp.proof.session import Session
from tinycomp.quantize.evaluate import evaluate_float, evaluate_int8, score_int8
from tinycomp.reference.compare import Verification, verify
from tinycomp.report.record import AccuracyRecord, Report, VerifyRecord
from tinycomp.target.fit import check_fit
from tinycomp.target.toolchain import is_available

DEVICE_SAMPLES, DEVICE_BYTES = 100, 100_000
"""At most so many samples, and bytes of them, go over the line for the device's own accuracy."""


def measure_code(
    report: Report, planned: Plan, firmware: FirmwareBuild, progress: Progress
) -> Report:
    """Flash, and the stack that the compiler computes; a model that does not fit is refused."""
    board = firmware.board
    check_fit(board, footprint(planned, None))
    if not is_available(board.compiler):
        packages = " ".join(board.compiler.packages)
        progress.note(
            f"Left out: sizes; there is no {board.compiler.prefix}gcc (apt install {packages})."
        )
        return report
    with progress.stage(f"Measuring code for {board.name}"):
        measured = firmware.measure()
    check_fit(board, footprint(planned, measured))
    return replace(report, flash=flash_record(measured), ram=ram_record(planned, measured.stack))


def evaluate_accuracy(report: Report, prepared: Prepared, progress: Progress) -> Report:
    """Accuracy of the float model, of int8 alone, and of what is emitted."""
    data = prepared.dataset
    if data is None:
        return report
    with progress.stage(f"Evaluating on {len(data.x_test)} samples"):
        int8 = evaluate_int8(prepared.graph, data)
        dense = evaluate_int8(prepared.dense, data) if prepared.dense else int8
        real = evaluate_float(prepared.float_tflite, data) if prepared.float_tflite else None
    if int8 is None or dense is None:
        return report
    record = AccuracyRecord(
        int8.metric, int8.samples, real.value if real else None, dense.value, int8.value
    )
    return replace(report, accuracy=record)


def compare_all(
    graph: Graph, tflite: bytes, inputs: Array, running: Session, progress: Progress
) -> Verification:
    """All executions of a session on some int8 inputs."""
    with progress.stage(f"Verifying on {len(inputs)} samples", len(inputs)) as advance:
        return verify(graph, tflite, inputs, running.executions, advance)


def verify_record(found: Verification) -> VerifyRecord:
    """A comparison as the report keeps it."""
    difference = str(found.differences[0]) if found.differences else None
    return VerifyRecord(found.executions, found.samples, found.tensors, found.equal, difference)


def time_inference(
    report: Report, running: Session, graph: Graph, inputs: Array, progress: Progress
) -> Report:
    """Latency by layer, and the deepest stack, from the device."""
    assert running.device is not None
    with progress.stage(f"Measuring on {report.board}"):
        latency = latency_record(running.device, graph, inputs[0])
        stack = running.device.stack()
    ram = report.ram if stack is None or report.ram is None else replace(report.ram, stack=stack)
    return replace(report, latency=latency, ram=ram)


def evaluate_device(report: Report, running: Session, prepared: Prepared) -> Report:
    """The same metric from outputs that the device itself computes, on a few samples."""
    data, device = prepared.dataset, running.device
    if report.accuracy is None or data is None or device is None:
        return report
    size = prepared.graph.tensors[prepared.graph.inputs[0]].size
    rows = spread(len(data.x_test), max(1, min(DEVICE_SAMPLES, DEVICE_BYTES // size)))
    inputs = quantize_inputs(prepared.graph, data.x_test[rows])
    outputs = np.stack([_run_on(device, sample) for sample in inputs])
    labels = None if data.y_test is None else data.y_test[rows]
    shaped = outputs.reshape(len(rows), *prepared.graph.tensors[prepared.graph.outputs[0]].shape)
    found = score_int8(prepared.graph, shaped, data.x_test[rows], labels)
    if found is None:
        return report
    accuracy = replace(report.accuracy, device=found.value, device_samples=found.samples)
    return replace(report, accuracy=accuracy)


def _run_on(device: Device, sample: Array) -> Array:
    device.load(sample)
    device.run()
    return device.output()


def add_cycle_estimate(
    report: Report, firmware: FirmwareBuild, inputs: Array, progress: Progress
) -> Report:
    """Cycles beside the instructions that were counted."""
    assert report.latency is not None
    with progress.stage(f"Counting instructions by kind on {report.board}"):
        found = estimate(firmware.board, firmware.board_program(), inputs[0])
    return replace(report, latency=replace(report.latency, estimate=found))

"""Writes what the public runner of MLPerf Tiny reads to test a build."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycomp.common.errors import BoardError, DataError, ModelError
from tinycomp.common.progress import Progress
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.data.targets import find_targets
from tinycomp.data.task import model_shape
from tinycomp.device.link import SerialPort
from tinycomp.emit.benchmarks import (
    BENCHMARKS,
    Benchmark,
    benchmark_named,
    benchmark_of,
    require_benchmark,
)
from tinycomp.emit.folder import refuse_existing, write_folder
from tinycomp.emit.runner_folder import (
    LabelledInputs,
    Repetition,
    received_bytes,
    repetition,
    runner_files,
)
from tinycomp.folder_checks import built_folder, firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions, Task
from tinycomp.proof.session import session
from tinycomp.quantization.affine import quantize_inputs, quantize_values
from tinycomp.quantization.given import input_quantization
from tinycomp.report.record import Report
from tinycomp.target.boards import Board


@dataclass(frozen=True)
class RunnerOptions:
    """What `tinycomp runner` was asked for."""

    data: Path
    """An .npz with labels."""
    output: Path
    """The folder to write."""
    reading: DataOptions
    """How the data is read."""
    samples: int | None = None
    """The most samples that are written; None: all."""
    quantization: str | None = None
    """Scale and zero point that the bytes of inputs have; None: the library's."""
    board: str | None = None
    """Another board than the build's."""
    port: SerialPort | None = None
    """How a real board is reached; None: an emulator."""
    force: bool = False
    """Whether the folder may exist."""


@dataclass(frozen=True)
class RunnerFolder:
    """What `tinycomp runner` wrote."""

    benchmark: Benchmark
    """What is run."""
    samples: int
    """How many are in the data set."""
    seconds: float
    """Of an inference, by the device's clock."""
    repeated: Repetition | None
    """Of the performance test; None where one inference takes too long for it."""


def runner(folder: Path, options: RunnerOptions, progress: Progress) -> RunnerFolder:
    """Write what the public runner of MLPerf Tiny reads to test a build: its devices, its scripts,
    its data set, and a program that starts it on a named port.

    Raises:
        TinycompError: the folder is no build, or of no benchmark; the data has no labels; no
            device answers, of which the time of an inference is measured.
    """
    refuse_existing(options.output, force=options.force)
    report, _, graph = built_folder(folder)
    benchmark = _benchmark(report, graph)
    dataset = load_data(options.data, graph.sample_shape, options.reading)
    inputs = _labelled(benchmark, graph, dataset, options, progress)
    board, seconds = _timed(folder, report, graph, options, progress)
    repeated = repetition(benchmark, seconds)
    if repeated is None:
        progress.note(
            f"An inference takes {seconds:.1f} s, and the runner waits 30 s: there is no "
            "performance test."
        )
    write_folder(
        options.output, runner_files(benchmark, board, inputs, repeated), force=options.force
    )
    return RunnerFolder(benchmark, len(inputs.labels), seconds, repeated)


def _benchmark(report: Report, graph: Graph) -> Benchmark:
    known = ", ".join(benchmark.name for benchmark in BENCHMARKS if not benchmark.streams)
    found = benchmark_named(report.benchmark) or benchmark_of(report.prefix)
    if found is None:
        raise ModelError(
            f"The library is called {report.prefix}, which is none of MLPerf Tiny's benchmarks.",
            hint=f"Build it with --benchmark: {known}.",
        )
    require_benchmark(found, graph)
    if found.streams:
        raise ModelError(
            f"The runner tests {found.name} with audio that an interface board plays, not with "
            "tensors: there is nothing to write.",
            expected=f"Expected one of the benchmarks with tensors: {known}.",
        )
    return found


def _labelled(
    benchmark: Benchmark, graph: Graph, dataset: Dataset, options: RunnerOptions,
    progress: Progress,
) -> LabelledInputs:  # fmt: skip
    """The given number of evaluation samples that have a class, alternating between classes."""
    kept, labels = _classes(benchmark, graph, dataset)
    rows = _in_turn(labels, options.samples)
    x, labels = dataset.x_test[kept[rows]], labels[rows]
    quantized = _quantized(benchmark, graph, x, options.quantization, progress)
    shape = model_shape(graph)
    classes = 2 if benchmark.reconstructs else max(2, shape.classes)
    if absent := sorted({*range(classes)} - {*labels.tolist()}):
        progress.note(
            f"No sample is of class {', '.join(map(str, absent))}: the runner computes an AUC in "
            "accuracy mode, which needs all, and fails without."
        )
    received = (
        received_bytes(benchmark, each, real) for each, real in zip(quantized, x, strict=True)
    )
    return LabelledInputs(tuple(received), tuple(labels.tolist()), classes)


def _classes(benchmark: Benchmark, graph: Graph, dataset: Dataset) -> tuple[Array, Array]:
    """Which evaluation samples have a class, and which that is."""
    shape = model_shape(graph)
    task: Task = "reconstruction" if benchmark.reconstructs else "classification"
    found = find_targets(
        shape, dataset.x_test, dataset.y_test, dataset.class_names, task, dataset.label_names
    )
    labels = found.anomalies if benchmark.reconstructs else found.values
    if found.task is None or labels is None or not len(labels):
        wanted = "1 for anomalies, 0 for the rest" if benchmark.reconstructs else "a class each"
        raise DataError(
            f"The data has no labels that the runner can compare with. {' '.join(found.notes)}",
            expected=f"Expected {wanted}.",
            hint="Name the array of labels with --y-key.",
        )
    return found.kept, np.asarray(labels).astype(int).ravel()


def _in_turn(labels: Array, count: int | None) -> Array:
    """Rows in turn of each class, in the order of the data: the runner's performance test takes the
    first five.
    """
    turn = np.zeros(len(labels), int)
    for label in np.unique(labels):
        turn[labels == label] = np.arange(np.count_nonzero(labels == label))
    return np.argsort(turn, kind="stable")[:count]


def _quantized(
    benchmark: Benchmark, graph: Graph, x: Array, given: str | None, progress: Progress
) -> Array:
    """int8 inputs, with the library's scale and zero point or those that were given."""
    parameters = input_quantization(given)
    own = graph.tensors[graph.inputs[0]].quantization
    assert own is not None
    if parameters is None:
        return quantize_inputs(graph, x)
    if benchmark.input_format == "FLOAT32":
        raise DataError(
            f"--input-quantization {given} is for bytes; {benchmark.name} takes real values.",
            hint="Leave it out.",
        )
    if (parameters.scale, parameters.zero_point) != (own.scale, own.zero_point):
        progress.note(
            f"Inputs have scale {parameters.scale:g} and zero point {parameters.zero_point}, but "
            f"the library takes them as {own.scale:g} and {own.zero_point}: expect wrong results. "
            "Build it with the same --input-quantization."
        )
    return quantize_values(x, parameters)


def _timed(
    folder: Path, report: Report, graph: Graph, options: RunnerOptions, progress: Progress
) -> tuple[Board, float]:
    """The board that is tested, and the seconds of an inference by its own clock."""
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        firmware = firmware_build(folder, report, options.board, Path(scratch))
        sample = np.zeros(graph.tensors[graph.inputs[0]].shape, np.int8)
        sha256 = report.model.sha256
        with session(graph, sha256, firmware, options.port, progress, compare=False) as running:
            if running.device is None:
                raise BoardError(
                    f"Nothing can be timed on {firmware.board.name} here.",
                    hint="Name a board with an emulator (--board cortex-m4), or a port (--port).",
                )
            running.device.load(sample)
            seconds = running.device.infer(1, 1).microseconds / 1e6
            tested = firmware.board if options.port else running.stand_in or firmware.board
            return tested, seconds

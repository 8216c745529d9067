"""Models become libraries, or int8 files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tinycomp import pipeline
from tinycomp.api._data import DATA_LIMIT, Data, data_file, data_options, optional_path
from tinycomp.api._log import Logged
from tinycomp.api._model import Model, model_file
from tinycomp.api._scratch import output_folder, scratch_folder
from tinycomp.api.built import Build
from tinycomp.common.progress import Progress
from tinycomp.emit.packages._registry import packaging_of
from tinycomp.options.build import HOST, BuildOptions, Optimize, PlanOptions, Preparation
from tinycomp.options.data import DataOptions, Task

File = str | os.PathLike[str]


def build(
    model: Model,
    data: Data = None,
    *,
    board: File = HOST,
    output: File | None = None,
    codebook_bits: int | None = Preparation.codebook_bits,
    sparsity: float = Preparation.sparsity,
    recipe: File | None = Preparation.recipe,
    calibration: str = Preparation.calibration,
    input_quantization: str | None = Preparation.input_quantization,
    activations: int = Preparation.activations,
    input_scale: float = DataOptions.scale,
    input_offset: float = DataOptions.offset,
    x_key: str | None = DataOptions.x_key,
    y_key: str | None = DataOptions.y_key,
    labels: File | None = DataOptions.labels,
    label_column: str | None = DataOptions.label_column,
    class_names: Sequence[str] = DataOptions.class_names,
    evaluate: int | None = DataOptions.test_samples,
    task: Task | None = DataOptions.task,
    name: str | None = Preparation.name,
    samples: int = BuildOptions.samples,
    verify: bool = BuildOptions.verify,
    bench: bool = BuildOptions.bench,
    optimize: Optimize = PlanOptions.optimize,
    ram_limit: int | None = PlanOptions.ram_limit,
    push_input: bool = PlanOptions.push_input,
    stream: int | None = BuildOptions.stream,
    benchmark: str | None = BuildOptions.benchmark,
    package: Sequence[str] = (),
    package_url: str | None = None,
    force: bool = BuildOptions.force,
    library_only: bool = BuildOptions.library_only,
    command: str | None = BuildOptions.command,
    data_limit: int = DATA_LIMIT,
    progress: Progress | None = None,
) -> Build:
    """Compress, quantize and emit a model; then evaluate, verify and bench what was emitted.

    Options are those of `tinycomp build`, and are described there and in docs/python.md.

    Args:
        model: a path, the bytes of a model file, a Keras model, an onnx.ModelProto, or the result
            of `compress`.
        data: samples for calibration and evaluation: (x, y), ((x, y), (x_test, y_test)), arrays by
            name as in an .npz, an iterable of batches such as a tf.data.Dataset or a PyTorch
            DataLoader, or a path. A float model needs them.
        board: a name from `tinycomp boards`, or the path of a board file.
        output: the folder to write; None: a temporary one, which `Build.save` copies.
        codebook_bits: at most 2^bits distinct weights per codebook.
        sparsity: share of the weights to prune, from 0 to 1.
        recipe: a TOML file, or the name of a recipe.
        calibration: how ranges are chosen: "auto", "min-max", "percentile" or "mse".
        input_quantization: "SCALE,ZERO" of the input, or an int8 .tflite to take them from.
        activations: bits of activations, 8 or 16.
        input_scale: model input = data * input_scale + input_offset.
        input_offset: see input_scale.
        x_key: the array of inputs in an .npz.
        y_key: the array of labels in an .npz.
        labels: an .npy of labels, for an .npy of inputs.
        label_column: the column of labels in a CSV table, by name or by number from 1.
        class_names: the classes that the model's outputs stand for, in their order.
        evaluate: the most samples for evaluation.
        task: what the model is for, where labels and shapes don't show it.
        name: prefix of the C names; the model's name by default.
        samples: how many samples executions are compared on.
        verify: whether executions are compared, byte for byte.
        bench: whether latency and stack are measured, where the board is emulated.
        optimize: what streaming by rows and the storage of weights optimize for.
        ram_limit: bytes that the arena may have.
        push_input: let the input come row by row.
        stream: take so many new rows of the window at a time.
        benchmark: the benchmark of MLPerf Tiny that the firmware says it is.
        package: kinds of packages to write, such as "arduino".
        package_url: the packages' web page.
        force: whether a build in the output folder may be replaced.
        library_only: replace the library alone.
        command: the command line, for the report.
        data_limit: the most samples that are taken of an iterable.
        progress: gets stages and notes; None: the logger "tinycomp".

    Raises:
        TinycompError: anything the user can put right, and executions that differ; nothing was
            written.
    """
    progress = progress or Logged()
    with scratch_folder() as scratch, output_folder(output) as folder:
        wanted = Preparation(
            model_file(model, scratch),
            data_file(data, scratch, data_limit, progress),
            data_options(
                x_key,
                y_key,
                input_scale,
                input_offset,
                labels,
                label_column,
                class_names,
                evaluate,
                task,
            ),
            codebook_bits,
            sparsity,
            optional_path(recipe),
            calibration,
            name,
            input_quantization,
            activations,
        )
        options = BuildOptions(
            wanted,
            os.fspath(board),
            folder,
            samples,
            verify,
            bench,
            force,
            library_only,
            PlanOptions(optimize, ram_limit, push_input),
            benchmark,
            packaging_of(package, package_url),
            stream,
            command,
        )
        pipeline.build(options, progress)
        return Build(folder) if output is not None else Build.in_temporary(folder)


def quantize(
    model: Model,
    data: Data = None,
    *,
    output: File | None = None,
    codebook_bits: int | None = Preparation.codebook_bits,
    sparsity: float = Preparation.sparsity,
    recipe: File | None = Preparation.recipe,
    calibration: str = Preparation.calibration,
    input_quantization: str | None = Preparation.input_quantization,
    activations: int = Preparation.activations,
    input_scale: float = DataOptions.scale,
    input_offset: float = DataOptions.offset,
    x_key: str | None = DataOptions.x_key,
    label_column: str | None = DataOptions.label_column,
    force: bool = False,
    data_limit: int = DATA_LIMIT,
    progress: Progress | None = None,
) -> bytes:
    """Convert a model to a standard int8 .tflite, compressed on request; the content of that file.

    Args:
        model: as in `build`.
        data: as in `build`; labels are not needed.
        output: the .tflite file to write; None: none.
        codebook_bits: as in `build`.
        sparsity: as in `build`.
        recipe: as in `build`.
        calibration: as in `build`.
        input_quantization: as in `build`.
        activations: as in `build`.
        input_scale: as in `build`.
        input_offset: as in `build`.
        x_key: as in `build`.
        label_column: as in `build`.
        force: whether an existing file may be replaced.
        data_limit: as in `build`.
        progress: as in `build`.

    Raises:
        TinycompError: the model, the data or the output file can't be used.
    """
    progress = progress or Logged()
    with scratch_folder() as scratch:
        wanted = Preparation(
            model_file(model, scratch),
            data_file(data, scratch, data_limit, progress),
            DataOptions(
                x_key, None, input_scale, input_offset, test_samples=1, label_column=label_column
            ),
            codebook_bits,
            sparsity,
            optional_path(recipe),
            calibration,
            input_quantization=input_quantization,
            activations=activations,
        )
        target = optional_path(output)
        return pipeline.quantize(wanted, target, force, progress)

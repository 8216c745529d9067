"""From a model file to the int8 graph that is emitted, and to its .tflite: read, clean up,
compress, quantize.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinycomp.common.errors import DataError, ModelError
from tinycomp.common.progress import Progress
from tinycomp.data.class_names import fit_class_names
from tinycomp.data.dataset import DataFile, Dataset, open_data
from tinycomp.data.scored import Scored, scored_outputs
from tinycomp.data.task import ModelShape, model_shapes
from tinycomp.data.values import spread
from tinycomp.frontend.formats import format_of
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters
from tinycomp.options.build import AUTO, Preparation
from tinycomp.options.data import DataOptions, Task
from tinycomp.passes.lift_normalization import lift_normalization
from tinycomp.passes.remove_identity import remove_identity
from tinycomp.passes.scale_constants import scale_constants
from tinycomp.quantization.affine import core_inputs, quantize_inputs
from tinycomp.quantization.calibration import observe, require_method
from tinycomp.quantization.export import compression_of, write_tflite
from tinycomp.quantization.given import input_quantization
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.prescribed import quantize_as_prescribed
from tinycomp.quantization.row_numbers import random_samples, require_rows, row_numbers
from tinycomp.quantization.screening import without_absurd
from tinycomp.quantization.selection import quantize_calibrated
from tinycomp.quantization.tables import table_parameters
from tinycomp.quantization.types import TYPES, Precision
from tinycomp.quantization.xnnpack import xnnpack_note
from tinycomp.reading import clean_up, is_float, read_model
from tinycomp.reducing import reduce
from tinycomp.reference.simulate import simulate
from tinycomp.techniques.bias_correction import correct_biases
from tinycomp.techniques.cluster import Cluster, check_codebooks
from tinycomp.techniques.error_feedback import feed_back_errors
from tinycomp.techniques.prune import Prune
from tinycomp.techniques.recipe import Recipe, read_recipe
from tinycomp.techniques.short_biases import shorten_biases

TFLITE_SUFFIX = ".tflite"

COMPENSATION_SAMPLES = 100
"""Calibration samples whose activations are held in memory to make up for pruning and clustering.
"""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The model ready to be emitted."""

    graph: Graph
    """int8, compressed and reduced."""
    tflite: bytes
    """The same model before reduction, as a standard .tflite."""
    shape: ModelShape
    """Shape and kind of the first output."""
    task: Task | None = None
    """The kind of task of that output, if known."""
    dataset: Dataset | None = None
    """Evaluation samples, with --data."""
    scored: tuple[Scored, ...] = ()
    """Each output with its labels, as interpreted for its task; the first counts. Empty where
    nothing can be scored: without data, or with states.
    """
    dense: Graph | None = None
    """int8 without compression, if different."""
    float_tflite: bytes | None = None
    """The float model, if there is one."""
    core: Graph | None = None
    """The float graph that was quantized, after the input transform."""
    compression: dict[str, Any] = field(default_factory=dict)
    """The options of the recipe that are not defaults."""

    @property
    def sha256(self) -> str:
        """Identifies the model: of its .tflite."""
        return hashlib.sha256(self.tflite).hexdigest()


def _open_files(wanted: Preparation) -> DataFile | None:
    """Open the data, before anything slow begins.

    Raises:
        ModelError: there is no such model.
        DataError: the data can't be read.
    """
    format_of(wanted.model)
    return None if wanted.data is None else open_data(wanted.data, wanted.data_options)


def _require_data(wanted: Preparation) -> None:
    """Refuse a float model without data.

    Raises:
        DataError: none was given.
    """
    if wanted.data is None:
        raise DataError(
            f"'{wanted.model}' is a float model, and --data was not given: "
            "quantization needs real inputs to calibrate on.",
            expected="Expected an .npz with x_train, x_test, y_test (or x, y).",
            hint="Add --data samples.npz.",
        )


def load_samples(data: DataFile, graph: Graph, progress: Progress) -> Dataset:
    """The data set for this model's input; its notes are shown."""
    with progress.stage(f"Reading {data.path.name}"):
        dataset = data.dataset(
            graph.sample_shape, graph.channels_first, graph.named_inputs, graph.named_outputs
        )
    for note in dataset.notes:
        progress.note(note)
    for values in (dataset.x, dataset.x_test):
        require_rows(graph, values, repr(str(data.path)))
    return dataset


def prepare(wanted: Preparation, progress: Progress) -> Prepared:
    """Read, clean up, quantize and compress a model.

    Raises:
        ModelError, DataError: the model or the data can't be used; a float model comes without
            data.
        TinycompError: the recipe can't be used.
    """
    recipe = _recipe(wanted)
    if wanted.calibration != AUTO:
        require_method(wanted.calibration)
    given = input_quantization(wanted.input_quantization)
    data = _open_files(wanted)
    with progress.stage(f"Reading {wanted.model.name}"):
        graph = read_model(wanted.model)
    if is_float(graph) and not graph.rounding:
        _require_data(wanted)
        if given is not None and len(graph.inputs) > 1:
            raise DataError(
                f"--input-quantization is for one input; '{wanted.model}' has {len(graph.inputs)}.",
                hint="Leave it out: each input gets its scale from --data.",
            )
    graph = replace(graph, name=wanted.name or wanted.model.stem)
    for note in graph.notes:
        progress.note(note)
    dataset = None if data is None else load_samples(data, graph, progress)
    shapes = model_shapes(graph)
    task, scored = _scored(shapes, dataset, wanted.data_options.task)
    if len(shapes) > 1:
        progress.note(_several_outputs(shapes))
    if len(graph.sources) > 1:
        progress.note(_several_inputs(graph))
    if graph.states:
        _require_whole(graph, recipe)
        progress.note(_kept(graph))
        scored = ()
    if dataset is not None:
        names = fit_class_names(dataset, shapes[0], task, progress)
        graph = replace(graph, class_names=names or graph.class_names)
    float_tflite, tflite, core = None, None, None
    if graph.rounding:
        _require_unquantized_input(wanted)
        _require_float(wanted, recipe)
        core = clean_up(graph)
        float_tflite = write_tflite(core)
        graph = quantize_as_prescribed(graph, core, None if dataset is None else dataset.x)
    elif dataset is not None and is_float(graph):
        cleaned = clean_up(graph)
        float_tflite = write_tflite(cleaned)
        lifted = _lifted(graph)
        views = [core_inputs(each, dataset.x) for each in (cleaned, lifted)]
        views = [] if row_numbers(graph) else views
        dataset = without_absurd(dataset, views, progress)
        trial = quantize_calibrated(
            cleaned, lifted, dataset.x, wanted.calibration, given, progress, recipe.weight_scales,
            _precision(wanted, recipe, cleaned),
        )  # fmt: skip
        core, graph = trial.core, trial.graph
    else:
        from tinycomp.frontend.tflite import standard_tflite

        tflite = standard_tflite(wanted.model)
        _require_unquantized_input(wanted)
        _require_float(wanted, recipe)
        if recipe.scales in ("shared", "layer"):
            progress.note("The model is int8 already: it keeps its weight scales.")
        if (refused := xnnpack_note(graph)) is not None:
            progress.note(refused)
    dense, compression = graph, recipe.model_dump(exclude_defaults=True)
    if recipe.prunes or recipe.clusters:
        graph, tflite = _compress(graph, recipe, dataset, progress), None
    elif tflite is not None:
        compression = compression_of(tflite)
    return Prepared(
        reduce(graph, progress), tflite or write_tflite(graph, compression), shapes[0],
        task, dataset, scored, None if graph is dense else dense, float_tflite, core, compression,
    )  # fmt: skip


def prepare_trained(
    graph: Graph,
    rounding: Mapping[str, QuantizationParameters],
    dataset: Dataset,
    recipe: Recipe,
    compression: Mapping[str, Any],
    progress: Progress,
    options: DataOptions | None = None,
) -> Prepared:
    """Quantize and compress a float graph as training left it.

    Args:
        graph: float, cleaned up where rounding is given.
        rounding: of tensors that were rounded to int8 in training: quantization keeps it. Without
            any, ranges are calibrated.
        dataset: its `x` calibrates.
        recipe: of compression after training.
        compression: all that was done, for reports and the .tflite; empty for nothing.
        progress: shows the stages.
        options: how the data were read.

    Raises:
        ModelError: the graph can't be quantized.
    """
    shapes = model_shapes(graph)
    task, scored = _scored(shapes, dataset, options.task if options else None)
    cleaned = clean_up(graph)
    if rounding:
        core = cleaned
        # Where training rounded all, float values don't matter: a logarithm may have none.
        known = {*rounding, *table_parameters(core)} >= core.tensors.keys()
        int8 = quantize(core, {} if known else observe(core, dataset.x).ranges("mse"), rounding)
    else:
        trial = quantize_calibrated(
            cleaned, _lifted(graph), dataset.x, AUTO, None, progress, recipe.weight_scales
        )
        core, int8 = trial.core, trial.graph
    small = int8
    if recipe.prunes or recipe.clusters:
        small = _compress(int8, recipe, dataset, progress)
    elif compression:
        small = shorten_biases(int8)
    return Prepared(
        reduce(small, progress), write_tflite(small, compression), shapes[0], task,
        dataset, scored, None, write_tflite(cleaned), core, dict(compression),
    )  # fmt: skip


def _scored(
    shapes: Sequence[ModelShape], dataset: Dataset | None, wanted: Task | None
) -> tuple[Task | None, tuple[Scored, ...]]:
    """What the first output is for, and what all outputs are compared with."""
    if dataset is None:
        return wanted or ("reconstruction" if shapes[0].reconstructs else None), ()
    found = scored_outputs(shapes, dataset, wanted)
    first = next(each for each in found if each.shape.place == 0)
    counts = found[0] is first
    return (wanted if counts and wanted else first.targets.task), found


def _several_outputs(shapes: Sequence[ModelShape]) -> str:
    names = ", ".join(repr(shape.name) for shape in shapes)
    return (
        f"The model has {len(shapes)} outputs: {names}. The library returns one after the "
        "other, and the header has the place and scale of each."
    )


def _several_inputs(graph: Graph) -> str:
    names = ", ".join(repr(name) for name in graph.named_inputs)
    return (
        f"The model has {len(graph.sources)} inputs: {names}. The library takes one after the "
        "other, and the header has the place and scale of each."
    )


def _require_whole(graph: Graph, recipe: Recipe) -> None:
    if recipe.prunes or recipe.clusters:
        raise ModelError(
            f"'{graph.name}' keeps variables, and is not compressed: the errors could not be made "
            "up for over a stream.",
            hint="Compress the model before its conversion, or leave out the recipe.",
        )


def _kept(graph: Graph) -> str:
    size = sum(state.initial.size for state in graph.states)
    return (
        f"An inference goes on where the last one ended: {size:,} bytes are kept in a "
        "<name>_state_t (docs/streaming.md). Samples are consecutive, and are not scored."
    )


def _require_unquantized_input(wanted: Preparation) -> None:
    if wanted.input_quantization is not None:
        raise DataError(
            f"--input-quantization can't change '{wanted.model}', which is int8 already.",
            expected="Expected a float model.",
            hint="Leave it out: the input keeps the scale and zero point of the file.",
        )


def _require_float(wanted: Preparation, recipe: Recipe) -> None:
    if wanted.activations != 8 or recipe.chooses_activations:
        raise ModelError(
            f"'{wanted.model}' is quantized already: its activations keep their types.",
            expected="Expected a float model: 16-bit activations are chosen when it is quantized.",
            hint="Leave out --activations and the recipe's 'activations', or build from the float "
            "model.",
        )


def _precision(wanted: Preparation, recipe: Recipe, graph: Graph) -> Precision:
    """The bits of activations: the recipe's by layer, else the command line's."""
    if wanted.activations not in TYPES:
        raise DataError(f"--activations is {wanted.activations}.", expected="Expected 8 or 16.")
    if wanted.activations == 16 and wanted.input_quantization is not None:
        raise DataError(
            "--input-quantization is for an int8 input, and --activations 16 makes it int16.",
            hint="Leave one of them out.",
        )
    return Precision(wanted.activations, recipe.activations_by_layer(graph))


def _lifted(graph: Graph) -> Graph:
    """The cleaned graph without the scale and offset that the model starts with, if any."""
    return clean_up(lift_normalization(remove_identity(scale_constants(graph))))


def _recipe(wanted: Preparation) -> Recipe:
    """The recipe file, with the command line's options over it."""
    recipe = read_recipe(wanted.recipe) if wanted.recipe else Recipe()
    given = {"sparsity": wanted.sparsity, "codebook_bits": wanted.codebook_bits}
    return recipe.model_copy(update={key: value for key, value in given.items() if value})


def _compress(dense: Graph, recipe: Recipe, dataset: Dataset | None, progress: Progress) -> Graph:
    """Prune, then cluster; with data, make up for both in what is left free: other weights and
    biases.
    """
    pruned = Prune(**recipe.prune_options(dense)).apply(dense) if recipe.prunes else dense
    with progress.stage("Clustering weights"):
        graph = Cluster(**recipe.cluster_options(pruned)).apply(pruned)
    if dataset is None:
        progress.note("Without --data, errors of pruning and clustering are not made up for.")
    else:
        with progress.stage("Making up for errors"):
            samples = quantize_inputs(
                dense, dataset.x[spread(len(dataset.x), COMPENSATION_SAMPLES)]
            )
            activations = simulate(dense, samples)
            graph = feed_back_errors(graph, dense, activations, pruned if recipe.prunes else None)
            graph = correct_biases(graph, dense, activations)
    check_codebooks(graph)
    return shorten_biases(graph)


def evaluation_inputs(graph: Graph, dataset: Dataset | None, count: int) -> Array:
    """Inputs to compare executions on, (samples, *graph.sample_shape): of the data set's test
    half, or seeded random ones without it. With states, its first samples in order; of a streamed
    graph, so many hops that `count` of them end a whole window.
    """
    stream = graph.stream
    if stream is not None:
        count += stream.ready - 1
    if dataset is None:
        return random_samples(graph, count)
    rows = np.arange(min(count, len(dataset.x_test)))
    if stream is not None:
        row = dataset.x_test.shape[2:]
        whole = dataset.x_test[: -(-count * stream.hop // stream.window)].reshape(-1, *row)
        hops = whole[: len(whole) // stream.hop * stream.hop]
        return quantize_inputs(graph, hops.reshape(-1, *graph.sample_shape)[:count])
    if not graph.states:
        rows = spread(len(dataset.x_test), count)
    return quantize_inputs(graph, dataset.x_test[rows])

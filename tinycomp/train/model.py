"""Converts a float Graph to a Keras model that trains under constraints, and back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError, TinycompError
from tinycomp.data.values import spread
from tinycomp.frontend.keras import import_keras, read_live_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.ops._differentiable import activated
from tinycomp.passes._logits import ends_of
from tinycomp.quantization.calibration import Method, observe
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.tables import trained_tables
from tinycomp.reading import clean_up, is_float
from tinycomp.train.constraint import Constraint, Moment
from tinycomp.train.ends import apart, ends_by_name, joined, keras_name
from tinycomp.train.hidden import averaged, features_of, sums_of
from tinycomp.train.layers import Computation, Weights, classes
from tinycomp.train.normalization import SAMPLES, begin, folded, layer_class, normalizable


@dataclass(frozen=True, eq=False)
class Training:
    """The attribute `tinycomp` of a Keras model in training."""

    graph: Graph
    """The float graph, cleaned up."""
    constraints: tuple[Constraint, ...]
    """In the order in which they are applied."""
    rounding: Mapping[str, QuantizationParameters]
    """Quantization of each tensor that is rounded to int8 in training, by tensor name."""
    layers: tuple[Weights, ...] = field(default=())
    """The weights; shared weights appear once."""

    def advance(self, moment: Moment) -> None:
        """Update the constraints' schedules after an optimizer step."""
        for constraint in self.constraints if self.layers else ():
            constraint.advance(self.layers, moment)


def trainable(
    model: Any,
    constraints: Sequence[Constraint] = (),
    calibration: Array | Mapping[str, Array] | None = None,
    method: Method = "mse",
    *,
    logits: bool | Sequence[bool] = False,
    features: int | None = None,
    sums: int | None = None,
    normalization: Array | Mapping[str, Array] | None = None,
) -> Any:
    """A keras.Model of the same function, whose weights satisfy the constraints at every step.

    Batch normalization is folded. Any way of training a Keras model works, with any data pipeline;
    `fit` updates the schedules of the constraints. Several inputs, and several outputs, have their
    names in the model; the Keras model takes and returns them in lists in the same order, and takes
    dictionaries by name too.

    Args:
        model: a float Graph, or a Keras model.
        constraints: in the order in which they are applied: zeros before grids.
        calibration: real inputs (samples, *shape) for activation ranges; activations are then
            rounded to int8 in training. Of several inputs, an array for each name, or all their
            values in one axis. None: activations stay float.
        method: how ranges are chosen.
        logits: leave out a final softmax or sigmoid, for losses that expect logits; of all or of
            each output.
        features: the number of an output: the input of the last layer with weights before it
            becomes another output, flattened.
        sums: likewise, but the sums of residual blocks before it, averaged over areas of images or
            times (train/hidden.py).
        normalization: real inputs, given as those for calibration, for the first statistics of new
            batch normalization behind layers with weights, which `finish` folds. None: there is
            none.

    Raises:
        ModelError: the graph is int8, or keeps values between inferences.
        DataError: the calibration samples don't fit its inputs.
        TinycompError: batch normalization was requested for weights on a grid, or for rounded
            activations.
    """
    grid = calibration is not None or any(each.stage == "grid" for each in constraints)
    if grid and normalization is not None:
        raise TinycompError(
            "Batch normalization would move weights off their grid.",
            hint="Train with it first, and quantize the result.",
        )
    graph = clean_up(_graph(model))
    _require_trainable(graph)
    graph = _with_operators(graph, {each.name: each.op.unquantized() for each in graph.nodes})
    rounding: dict[str, QuantizationParameters] = {}
    tables = trained_tables(graph)
    if calibration is not None:
        int8 = quantize(graph, observe(graph, joined(graph, calibration)).ranges(method))
        rounding = {
            name: tensor.quantization
            for name, tensor in int8.tensors.items()
            if name in graph.tensors and tensor.quantization is not None and tensor.dtype == "int8"
        }
        if any(each.stage == "grid" for each in constraints):  # values lie on the table's grid
            for name in chain.from_iterable(tables.values()):
                rounding.pop(name, None)
        over_time = {each.name: each.op for each in int8.nodes if each.op.hidden}
        graph = _with_operators(graph, over_time)
    training = Training(graph, tuple(constraints), rounding)
    return _build(training, tables, logits, (features, sums), normalization)


def finish(model: Any) -> Graph:
    """The float graph with the trained constants. For weights on a grid Constant.grid is set, and
    quantization keeps their values.
    """
    training: Training = model.tinycomp
    changed: dict[str, Constant] = {}
    for layer in training.layers:
        found = [each for each in (_finished(layer), layer.bias()) if each is not None]
        if layer.normalization is not None:
            found = [*folded(layer.normalization, found, layer.axis)]
        changed |= {each.name: each for each in found}
    graph = training.graph
    return replace(graph, constants={**graph.constants, **changed})


def _with_operators(graph: Graph, found: Mapping[str, Operator]) -> Graph:
    """The graph with other operators, by the names of their nodes."""
    nodes = tuple(replace(each, op=found.get(each.name, each.op)) for each in graph.nodes)
    return replace(graph, nodes=nodes)


def _finished(layer: Weights) -> Constant:
    fixed = layer.fixed()
    values = np.asarray(fixed.kernel * layer.scale, np.float32)
    if fixed.step is None:
        return replace(layer.constant, values=values, grid=None)
    steps = np.asarray(fixed.step * layer.scale).ravel()
    scales = tuple(float(np.float32(step)) for step in steps)
    axis = layer.axis if len(scales) > 1 else None
    grid = QuantizationParameters(scales, (0,) * len(scales), axis)
    return replace(layer.constant, values=values, grid=grid)


def _graph(model: Any) -> Graph:
    if isinstance(model, Graph):
        return model
    if not hasattr(model, "save"):
        raise ModelError(
            f"A {type(model).__name__} can't be trained.",
            expected="Expected a float Graph or a Keras model.",
        )
    return read_live_keras(model)


def _require_trainable(graph: Graph) -> None:
    if graph.states:
        raise ModelError(
            f"'{graph.name}' keeps values between inferences.",
            expected="Expected a model of independent samples, for recipes that train.",
            hint="Compress without training: --sparsity, --codebook-bits.",
        )
    if not is_float(graph):
        raise ModelError(
            f"'{graph.name}' is int8 already, and can't be trained.",
            expected="Expected a float model.",
            hint="Train the Keras model that it was converted from.",
        )


def _build(
    training: Training, tables: Collection[str], logits: bool | Sequence[bool],
    hidden: tuple[int | None, int | None], normalization: Array | Mapping[str, Array] | None,
) -> Any:  # fmt: skip
    keras = import_keras()
    weighted, plain, rounded = classes()
    graph = training.graph
    names = ends_by_name(graph)
    entries = [keras.Input(graph.tensors[each].shape, name=names[each]) for each in graph.inputs]
    tensors: dict[str, Any] = dict(zip(graph.inputs, entries, strict=True))
    for name in graph.inputs:
        if name in training.rounding:
            tensors[name] = rounded(f"rounded_{names[name]}", training.rounding[name])(
                tensors[name]
            )
    owners: dict[str, Any] = {}
    ends = ends_of(graph, logits)
    normalized = {} if normalization is None else normalizable(graph, ends)
    sums: dict[str, Any] = {}
    for number, node in enumerate(graph.nodes):
        if tensors.keys() >= {*ends}:
            break
        rounding = training.rounding.get(node.outputs[0])
        if node.name in normalized:
            node = normalized[node.name].plain
        computation = Computation(node, graph.operands(node), rounding)
        name = f"{number}_{keras_name(node.name)}"
        if node.op.weight_axis is None and not (node.op.looked_up and node.inputs[1] in tables):
            layer = plain(name, computation)
        elif node.inputs[1] in owners:
            layer = weighted(name, computation, owners[node.inputs[1]])
        else:
            kernel, *bias = computation.operands.constants
            layer = weighted(
                name, computation, kernel, bias[0] if bias else None, training.constraints
            )
            owners[node.inputs[1]] = layer
        computed = [tensors[each] for each in node.inputs if each in tensors]
        found = layer(*computed)
        if node.name in normalized:
            sums[node.name] = found
            channels = layer_class()(found.shape[-1], f"{name}_normalization")
            layer.weights_held.normalization = channels
            found = activated(channels(found), normalized[node.name].activation)
        tensors[node.outputs[0]] = found
    if sums:
        assert normalization is not None
        samples = joined(graph, normalization)
        samples = samples[spread(len(samples), SAMPLES)]
        _normalize(
            keras.Model(entries, list(sums.values())), owners.values(), apart(graph, samples)
        )
    held = tuple(layer.weights_held for layer in owners.values())
    results = [tensors[each] for each in ends]
    if len(ends) > 1:
        results = [
            keras.layers.Identity(name=names[output])(each)
            for output, each in zip(graph.outputs, results, strict=True)
        ]
    features, sums_before = hidden
    if features is not None:
        flat = keras.layers.Flatten(name="features")
        results.append(flat(tensors[features_of(graph, features)]))
    if sums_before is not None:
        results += [averaged(tensors[each], keras.ops.reshape, keras.ops.mean)
                    for each in sums_of(graph, sums_before)]  # fmt: skip
    made = _model_class()(*(each[0] if len(each) == 1 else each for each in (entries, results)))
    made.tinycomp = replace(training, layers=held)
    return made


def _normalize(sums: Any, layers: Iterable[Any], samples: Array | list[Array]) -> None:
    """Begin the batch normalization of layers with weights.

    Args:
        sums: a model of the sums that are normalized, in the order of the layers.
        layers: the Keras layers with weights.
        samples: real inputs, as the model takes them.
    """
    held = [each.weights_held.normalization for each in layers]
    values = sums.predict(samples, verbose=0, batch_size=64)
    found = values if isinstance(values, list) else [values]
    for layer, each in zip([one for one in held if one is not None], found, strict=True):
        begin(layer, np.asarray(each))


@cache
def _model_class() -> Any:
    import keras

    class Trainable(keras.Model):  # type: ignore[misc]
        """A Keras model whose `fit` updates the schedules of its constraints."""

        tinycomp: Training

        def fit(self, *arguments: Any, callbacks: Any = None, **options: Any) -> Any:
            """As in Keras."""
            own = [_schedules(self), *(callbacks or [])]
            return super().fit(*arguments, callbacks=own, **options)

    return Trainable


def _schedules(model: Any) -> Any:
    """A callback that updates the schedules of the constraints after each batch."""
    import keras

    class Schedules(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = 0

        def on_train_begin(self, logs: Any = None) -> None:
            if self.params.get("steps") is None and model.tinycomp.constraints:
                raise TinycompError(
                    "The pipeline does not say how many batches it has, and schedules of "
                    "constraints depend on it.",
                    hint="Give steps_per_epoch to fit, or the pipeline a length "
                    "(tf.data: apply(tf.data.experimental.assert_cardinality(batches))).",
                )

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.step += 1
            if not model.tinycomp.constraints:
                return
            if keras.backend.backend() == "jax":
                model.jax_state_sync()  # variables are elsewhere during an epoch
            total = (self.params["steps"] or 0) * self.params["epochs"]
            model.tinycomp.advance(Moment(self.step, max(total, self.step)))

    return Schedules()

"""Walks a loaded Keras model, nested models included, and adds its layers to a GraphBuilder.

The model is plain data here: the configuration returned by Keras, and arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_lowering import add_layer
from tinycomp.frontend._keras_operations import as_layer
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array

Call = tuple[str, int, int]
"""A tensor in Keras: the layer's name, the index of the call, the index of the output."""

_MODELS = ("Functional", "Sequential")


class KerasWalk:
    """Adds the layers of a model; a layer called twice is read once, so that its weights are
    shared.
    """

    def __init__(self, builder: GraphBuilder, blockers: Blockers) -> None:
        self.builder = builder
        self.blockers = blockers
        self.layers: dict[int, KerasLayer] = {}
        self.names: set[str] = set()

    def model(self, model: Any, inputs: Sequence[str]) -> list[str]:
        """Add a model's layers after existing tensors; returns its output tensors.

        Args:
            model: a keras.Model (Functional or Sequential).
            inputs: names of tensors in the builder, one for each of the model's inputs.
        """
        config = model.get_config()
        if "input_layers" in config:
            return self._functional(model, config, inputs)
        tensors = list(inputs)
        for entry in config["layers"]:
            if entry["class_name"] != "InputLayer":
                tensors = self._layer(model.get_layer(entry["config"]["name"]), entry, tensors)
        return tensors

    def _functional(
        self, model: Any, config: Mapping[str, Any], inputs: Sequence[str]
    ) -> list[str]:
        known: dict[Call, str] = dict(zip(_calls(config["input_layers"]), inputs, strict=True))
        pending = [
            (entry, number, list(_tensors(node["args"])))
            for entry in config["layers"]
            for number, node in enumerate(entry["inbound_nodes"])
        ]
        while pending:
            waiting = []
            for entry, number, needs in pending:
                if not all(need in known for need in needs):
                    waiting.append((entry, number, needs))
                    continue
                layer = next(each for each in model.operations if each.name == entry["name"])
                outputs = self._layer(layer, entry, [known[need] for need in needs])
                known.update({(entry["name"], number, i): name for i, name in enumerate(outputs)})
            if len(waiting) == len(pending):
                names = ", ".join(sorted({entry["name"] for entry, _, _ in waiting}))
                raise ModelError(
                    f"The layers {names} wait for each other: the model's graph is broken."
                )
            pending = waiting
        return [known[call] for call in _calls(config["output_layers"])]

    def _layer(self, layer: Any, entry: Mapping[str, Any], inputs: Sequence[str]) -> list[str]:
        if entry["class_name"] in _MODELS:
            return self.model(layer, inputs)
        if id(layer) not in self.layers:
            self.layers[id(layer)] = self._read(layer, entry)
        with self.blockers.collected():
            return [add_layer(self.layers[id(layer)], inputs, self.builder)]
        return [self._assumed(layer, inputs)]

    def _assumed(self, layer: Any, inputs: Sequence[str]) -> str:
        """The output of a refused layer, so that the layers after it are read too.

        Raises:
            ModelError: Keras does not know its shape; names all blockers so far.
        """
        shapes = [(None, *self.builder.tensors[name].shape) for name in inputs]
        try:
            shape = layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
            return self.builder.assume(layer.name, tuple(int(size) for size in shape[1:]))
        except (AttributeError, NotImplementedError, TypeError, ValueError):
            self.blockers.raise_any()
            raise

    def _read(self, layer: Any, entry: Mapping[str, Any]) -> KerasLayer:
        """The layer as plain data, with a unique name."""
        base = name = entry["config"]["name"]
        count = 1
        while name in self.names:
            name, count = f"{base}_{count}", count + 1
        self.names.add(name)
        if str(entry.get("module")).startswith("keras.src.ops"):
            return as_layer(entry, name)
        paths = [v.path for v in layer.weights]
        weights = {_short(v.path, paths): np.asarray(v.numpy(), np.float32) for v in layer.weights}
        _require_finite(name, weights)
        return KerasLayer(name, entry["class_name"], entry["config"], weights)


def _short(path: str, paths: Sequence[str]) -> str:
    """As many last parts of a weight's path as tell it from the layer's other weights."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        end = "/".join(parts[-count:])
        if sum(f"/{each}".endswith(f"/{end}") for each in paths) == 1:
            return end
    return path


def _require_finite(layer: str, weights: Mapping[str, Array]) -> None:
    for name, values in weights.items():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise ModelError(
                f"Layer {layer!r}: {bad} values of its weight {name!r} are NaN or infinite.",
                hint="The training diverged: train again with a lower learning rate, or take an "
                "earlier checkpoint.",
            )


def _calls(value: Any) -> Iterable[Call]:
    """The leaves [layer, call, tensor] of a list of inputs or outputs."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if value and isinstance(value[0], str):
        yield (value[0], value[1], value[2])
        return
    for item in value:
        yield from _calls(item)


def _tensors(value: Any) -> Iterable[Call]:
    """The tensors in the arguments of a call."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        yield from _calls(value["config"]["keras_history"])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)

"""Walks a Keras model, nested models included, and adds its layers to a GraphBuilder.

The model is plain data: a cleaned configuration, and arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_calls import Call, calls, tensors_in
from tinycomp.frontend._keras_layouts import Layouts
from tinycomp.frontend._keras_lowering import add_outputs, has_outputs
from tinycomp.frontend._keras_masks import Masks
from tinycomp.frontend._keras_objects import MODELS, Config
from tinycomp.frontend._keras_operations import as_layer
from tinycomp.frontend._keras_recurrent import with_cell_rows
from tinycomp.frontend._keras_shapes import assumed_shape
from tinycomp.frontend._keras_steps import (
    at_once,
    for_steps,
    joined,
    require_few,
    steps,
    wraps_model,
)
from tinycomp.frontend._keras_variables import Variable, variables
from tinycomp.frontend._keras_weights import SAVE_AGAIN, Arrays, Place
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._keras import refusal


class KerasWalk:
    """Adds the layers of a model; a layer called twice is read once, so that its weights are
    shared.
    """

    def __init__(self, builder: GraphBuilder, blockers: Blockers, arrays: Arrays) -> None:
        self.builder = builder
        self.blockers = blockers
        self.arrays = arrays
        self.layers: dict[Place, KerasLayer] = {}
        self.names: set[str] = set()
        self.masks = Masks(builder)
        self.over_steps = 0
        self.layouts = Layouts(builder)

    def model(self, model: Config, inputs: Sequence[str], place: Place = ()) -> list[str]:
        """Add a model's layers after existing tensors; returns its output tensors.

        Args:
            model: the entry of a Functional or Sequential model.
            inputs: names of tensors in the builder, one for each of the model's inputs.
            place: names of the models around it, and its own; empty for the whole model.
        """
        config = model["config"]
        if "input_layers" in config:
            return self._functional(config, inputs, place)
        tensors = list(inputs)
        for entry in config["layers"]:
            if entry["class_name"] != "InputLayer":
                tensors = self._layer(entry, tensors, place)
        return tensors

    def outputs(self, model: Config, inputs: Sequence[str]) -> list[str]:
        """Add the whole model; its outputs, each as Keras has it."""
        return [self.layouts.front(name) for name in self.model(model, inputs)]

    def _functional(
        self, config: Mapping[str, Any], inputs: Sequence[str], place: Place
    ) -> list[str]:
        read = {
            *calls(config["output_layers"]),
            *(call for entry in config["layers"] for node in entry["inbound_nodes"]
              for call in tensors_in(node["args"])),
        }  # fmt: skip
        known: dict[Call, str] = dict(zip(calls(config["input_layers"]), inputs, strict=True))
        pending = [
            (_with_cell(entry, read), number, list(tensors_in(node["args"])), node.get("masks", ()))
            for entry in config["layers"]
            for number, node in enumerate(entry["inbound_nodes"])
        ]
        while pending:
            waiting = []
            for entry, number, needs, masks in pending:
                sent = all((*place, sender) in self.layers for sender in masks)
                if not sent or not all(need in known for need in needs):
                    waiting.append((entry, number, needs, masks))
                    continue
                senders = [self.layers[(*place, sender)].name for sender in masks]
                outputs = self._layer(entry, [known[need] for need in needs], place, senders)
                known.update({(entry["name"], number, i): name for i, name in enumerate(outputs)})
            if len(waiting) == len(pending):
                names = ", ".join(sorted({entry["name"] for entry, *_ in waiting}))
                raise ModelError(
                    f"The layers {names} wait for each other: the model's graph is broken."
                )
            pending = waiting
        found = [known[call] for call in calls(config["output_layers"])]
        return found

    def _layer(
        self, entry: Config, inputs: Sequence[str], around: Place, senders: Sequence[str] = ()
    ) -> list[str]:
        place = (*around, entry["name"])
        if entry["class_name"] in MODELS:
            return self.model(entry, inputs, place)
        if wraps_model(entry):
            return self._at_every_step(entry, [self.layouts.front(x) for x in inputs], place)
        entry, inputs, behind = self.layouts.arranged(entry, inputs)
        shapes = [self.builder.tensors[name].shape for name in inputs]
        if place not in self.layers:
            inner = [shape[1:] for shape in shapes] if self.over_steps else shapes
            self.layers[place] = self._read(entry, place, inner)
        layer = self.layers[place]
        if self.over_steps:
            layer = for_steps(layer)
        with self.blockers.collected():
            if layer.class_name == "Masking":
                return [self.masks.masking(layer, inputs)]
            mask = self.masks.taken(layer, inputs, senders)
            attended = self.masks.attended(layer, inputs)
            outputs = add_outputs(attended, inputs, self.builder, mask)
            self.masks.follow(layer, inputs, outputs[0], senders)
            self.layouts.mark(outputs, behind and layer.class_name != "Flatten")
            return outputs
        if has_outputs(layer):
            self.blockers.raise_any()
        return [self._assumed(layer, shapes)]

    def _at_every_step(self, entry: Config, inputs: Sequence[str], place: Place) -> list[str]:
        """A model for every row of a tensor: layer by layer for all rows, or row by row."""
        name, model = entry["name"], entry["config"]["layer"]
        if at_once(model):
            self.over_steps += 1
            outputs = self.model(model, inputs, place)
            self.over_steps -= 1
            return outputs
        (x,) = inputs
        layer = KerasLayer(name, entry["class_name"], {}, {})
        require_few(layer, self.builder.tensors[x].shape)
        rows = [self.model(model, [row], place) for row in steps(name, x, self.builder)]
        if len(rows[0]) > 1:
            what = f"wraps a model of {len(rows[0])} outputs"
            raise refusal(layer, what, expected="Expected one.", hint="Concatenate them.")
        return [joined(name, [row for (row,) in rows], self.builder)]

    def _assumed(self, layer: KerasLayer, shapes: Sequence[Shape]) -> str:
        """The output of a refused layer, so that the layers after it are read too.

        Raises:
            ModelError: its shape is not known; names all blockers so far.
        """
        shape = assumed_shape(layer, shapes)
        if shape is None:
            self.blockers.raise_any()
        return self.builder.assume(layer.name, shape or ())

    def _read(self, entry: Config, place: Place, shapes: Sequence[Shape]) -> KerasLayer:
        """The layer as plain data, with a unique name."""
        base = name = entry["name"]
        count = 1
        while name in self.names:
            name, count = f"{base}_{count}", count + 1
        self.names.add(name)
        if str(entry.get("module")).startswith("keras.src.ops"):
            return as_layer(entry, name)
        wanted = variables(entry["class_name"], entry["config"], shapes)
        weights = {
            variable.name: np.asarray(values, np.float32)
            for variable, values in zip(wanted, self.arrays.get(place, ()), strict=True)
        }
        for variable in wanted:
            _require_shape(name, variable, weights[variable.name].shape)
        _require_finite(name, weights)
        return KerasLayer(name, entry["class_name"], entry["config"], weights)


def _with_cell(entry: Config, read: Collection[Call]) -> Config:
    """An entry that says whether cell states are read."""
    return with_cell_rows(entry, {output for layer, _, output in read if layer == entry["name"]})


def _require_shape(layer: str, variable: Variable, found: Shape) -> None:
    """Refuse weights of another model."""
    wanted = found if variable.shape is None else variable.shape
    if len(found) != len(wanted) or any(
        size is not None and size != other for size, other in zip(wanted, found, strict=True)
    ):
        raise ModelError(
            f"Layer {layer!r} has a weight {variable.name!r} of shape {found}.",
            expected=f"Expected {wanted}, by its options and its input.",
            hint=SAVE_AGAIN,
        )


def _require_finite(layer: str, weights: Mapping[str, Array]) -> None:
    for name, values in weights.items():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise ModelError(
                f"Layer {layer!r}: {bad} values of its weight {name!r} are NaN or infinite.",
                hint="The training diverged: train again with a lower learning rate, or take an "
                "earlier checkpoint.",
            )

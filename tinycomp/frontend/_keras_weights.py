"""Reads the arrays of a model's layers from .keras and .h5 files.

A .keras archive has a group for each layer, named after its class and numbered. An .h5 file has
the layers with weights in the model's order; those of a nested model are one list.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_legacy_weights import modern_weights
from tinycomp.frontend._keras_objects import MODELS, Config
from tinycomp.frontend._keras_steps import wraps_model
from tinycomp.frontend._keras_variables import variables
from tinycomp.ir.tensor import Array

Place = tuple[str, ...]
"""A layer: the names of the models around it, and its own."""
Arrays = Mapping[Place, Sequence[Array]]
"""By layer, in the order of its variables."""

SAVE_AGAIN = "Open it with the Keras that wrote it and save it again as .keras or .h5."
_WEIGHTS = "model.weights.h5"


@dataclass(frozen=True)
class _Slot:
    """The place of one array."""

    layer: Place
    """Its layer."""
    trainable: bool
    """Whether neither the variable nor the layer is frozen."""


def read_arrays(path: Path, suffix: str, model: Config) -> Arrays:
    """The arrays of all layers of a model with a cleaned configuration.

    Raises:
        ModelError: the file has others than the configuration says, or is damaged.
    """
    try:
        if suffix == ".h5":
            with h5py.File(path, "r") as file:
                return _listed(path, file["model_weights"], model)
        with zipfile.ZipFile(path) as archive:
            if _WEIGHTS not in archive.namelist():
                raise ModelError(f"The archive {path} has no {_WEIGHTS}.", hint=SAVE_AGAIN)
            data = modern_weights(archive.read(_WEIGHTS))
        with h5py.File(io.BytesIO(data), "r") as file:
            return _Archived(path, file).model(model)
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"The weights in {path} can't be read: {error}.", hint=SAVE_AGAIN
        ) from error


_TRAINING_ONLY = ("/vector_u", "/vector_u:0")
"""Endings of names of arrays that inference does not need: SpectralNormalization's."""


class _Archived:
    """The weights of a .keras archive."""

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self.file = file
        self.found: dict[Place, Sequence[Array]] = {}

    def model(self, model: Config, group: str = "", place: Place = ()) -> Arrays:
        counts: dict[str, int] = {}
        for entry in model["config"]["layers"]:
            kind = _snake_case(entry.get("saved_as", entry["class_name"]))
            number = counts.get(kind, 0)
            counts[kind] = number + 1
            inner = f"{group}layers/{kind}_{number}" if number else f"{group}layers/{kind}"
            here = (*place, entry["name"])
            if entry["class_name"] in MODELS:
                self.model(entry, f"{inner}/", here)
            elif wraps_model(entry):
                self.model(entry["config"]["layer"], f"{inner}/layer/", here)
            else:
                self.found[here] = self._layer(entry, inner)
        return self.found

    def _layer(self, entry: Config, group: str) -> Sequence[Array]:
        arrays: list[Array] = []
        indices: dict[str, int] = {}
        for variable in variables(entry["class_name"], entry["config"]):
            stores = (
                f"{group}/{place}/vars" if place else f"{group}/vars" for place in variable.places
            )
            store = next((each for each in stores if len(self.file.get(each, ()))), None)
            index = indices.get(str(store), 0)
            if store is None or str(index) not in self.file[store]:
                raise ModelError(
                    f"Layer {entry['name']!r}: {self.path} has no values of its weight "
                    f"{variable.name!r}.",
                    hint=SAVE_AGAIN,
                )
            indices[str(store)] = index + 1
            arrays.append(_array(self.file[store][str(index)]))
        for store, count in indices.items():
            _require_count(self.path, entry["name"], len(self.file[store]), count)
        return arrays


def _snake_case(class_name: str) -> str:
    """The name of a layer's group, as Keras makes it: "conv2d", "p_re_lu"."""
    parts = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", parts).lower()


def _array(data: Any) -> Array:
    """A stored array; HDF5 has no bfloat16, so its bytes are stored."""
    values = np.asarray(data)
    if data.attrs.get("dtype") == "bfloat16":
        return (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return values


def _require_count(path: Path, layer: str, found: int, expected: int) -> None:
    if found != expected:
        raise ModelError(
            f"Layer {layer!r} has {found} weights in {path}.",
            expected=f"Expected {expected}, by its options.",
            hint=SAVE_AGAIN,
        )


def _listed(path: Path, group: Any, model: Config) -> Arrays:
    """The weights of an .h5 file."""
    stored = {name: _values(group[name]) for name in _names(group, "layer_names")}
    stored = {name: values for name, values in stored.items() if values}
    wanted = {entry["name"]: _slots(entry, ()) for entry in model["config"]["layers"]}
    wanted = {name: slots for name, slots in wanted.items() if slots}
    if len(stored) != len(wanted):
        raise ModelError(
            f"{path} has the weights of {len(stored)} layers.",
            expected=f"Expected {len(wanted)}, by the model's configuration.",
            hint=SAVE_AGAIN,
        )
    # Layers that were renamed after the weights were written are still in order.
    names = wanted if set(wanted) == set(stored) else stored
    frozen = {
        e["name"] for e in model["config"]["layers"] if not e["config"].get("trainable", True)
    }
    found: dict[Place, list[Array]] = {}
    for (name, slots), stored_as in zip(wanted.items(), names, strict=True):
        values = stored[stored_as]
        _require_count(path, name, len(values), len(slots))
        # Frozen weights come last, but a frozen model does not sort its own.
        order = slots if name in frozen else sorted(slots, key=lambda slot: not slot.trainable)
        placed = dict(zip(map(id, order), values, strict=True))
        for slot in slots:
            found.setdefault(slot.layer, []).append(placed[id(slot)])
    return found


def _slots(entry: Config, place: Place) -> list[_Slot]:
    """The arrays of a layer, or of all layers of a nested model."""
    here = (*place, entry["name"])
    model = entry["config"]["layer"] if wraps_model(entry) else entry
    if model["class_name"] in MODELS:
        return [slot for layer in model["config"]["layers"] for slot in _slots(layer, here)]
    trainable = entry["config"].get("trainable", True)
    return [
        _Slot(here, each.trainable and trainable)
        for each in variables(entry["class_name"], entry["config"])
    ]


def _names(group: Any, key: str) -> list[str]:
    """Names in an attribute; long lists are several attributes with numbers."""
    parts = [group.attrs[key]] if key in group.attrs else []
    while key not in group.attrs and f"{key}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{key}{len(parts)}"])
    names = [name for part in parts for name in part]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _values(group: Any) -> list[Array]:
    names = _names(group, "weight_names")
    return [np.asarray(group[each]) for each in names if not each.endswith(_TRAINING_ONLY)]

"""Keras objects in a configuration: whether they are built in, and their form in Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_hints import EXPORTED, hint

Config = dict[str, Any]

MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
"""Classes of models, with their class in Keras 3."""

NO_CODE = "tinycomp reads Keras's own layers and never runs code from a model file."


def refuse_foreign(entry: Mapping[str, Any], class_name: str, name: str) -> None:
    """Refuse layers that contain code, or classes from outside Keras."""
    if class_name == "Lambda":
        raise ModelError(
            f"Layer {name!r} is a Lambda, which holds Python code; {NO_CODE}",
            hint=hint(class_name),
        )
    module, registered = entry.get("module"), entry.get("registered_name")
    own = module is None or str(module).split(".")[0] in ("keras", "tf_keras")
    if not own or ">" in class_name or (registered is not None and ">" in str(registered)):
        shown = class_name if ">" in class_name else registered or class_name
        shown = shown if own or ">" in str(shown) else f"{module}.{class_name}"
        raise ModelError(
            f"Layer {name!r} is of the custom class {shown}; {NO_CODE}",
            hint="Rebuild the model of keras.layers, copy the weights, and save it again. "
            + EXPORTED,
        )


def wrap(class_name: str, name: str, config: Mapping[str, Any], options: Config) -> Config:
    """A built-in layer or model with the options that inference needs.

    `trainable` is kept: it affects the order of the weights of nested models in .h5 files.
    """
    trainable = bool(config.get("trainable", True))
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, "trainable": trainable, **options},
    }

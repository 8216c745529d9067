"""The calls between the layers of a Keras configuration, checked and reduced to references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_objects import Config


def clean_references(value: Any) -> Any:
    """[layer, call, tensor], or a list of those."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [clean_references(item) for item in value]
    if isinstance(value, str | int):
        return value
    raise ModelError(f"The model's list of inputs or outputs holds {value!r}.")


def clean_call(call: Any, name: str, separate: bool = False) -> Any:
    """The calls of a layer.

    In Keras 3 {"args", "kwargs"}, in Keras 2 [[layer, call, tensor, kwargs], ...]. `separate`: the
    layer takes its tensors as arguments of their own.
    """
    if isinstance(call, Mapping):
        tensors = _tensors(call.get("args", []), name)
        _refuse_arguments(call.get("kwargs") or {}, name)
        if separate:
            return {"args": tensors, "kwargs": {}}
        # A layer takes several tensors in one list; x + y passes them separately.
        return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": {}}
    if call and isinstance(call[0], str):
        call = [call]
    cleaned = []
    for reference in call:
        if len(reference) > 3:
            _refuse_arguments(reference[3] or {}, name)
        cleaned.append([*clean_references(reference[:3]), {}])
    return cleaned


def _tensors(value: Any, name: str) -> list[Config]:
    """The tensors in a call's positional arguments, in order."""
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item, name)]
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        history = clean_references(config["keras_history"])
        shape = [None if size is None else int(size) for size in config["shape"]]
        kept = {"shape": shape, "dtype": "float32", "keras_history": history}
        return [{"class_name": "__keras_tensor__", "config": kept}]
    raise ModelError(
        f"Layer {name!r} is called with the constant {value!r}.",
        expected="Expected tensors of the model alone.",
        hint="For scaling and shifting use keras.layers.Rescaling.",
    )


def _refuse_arguments(arguments: Mapping[str, Any], name: str) -> None:
    """Refuse call arguments that change the inference."""
    for key, value in arguments.items():
        if value is None or value is False:
            continue
        raise ModelError(
            f"Layer {name!r} is called with {key}={value!r}, which is not supported.",
            hint="Call the layer with its input alone and save the model again.",
        )

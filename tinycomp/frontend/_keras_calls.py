"""The calls between the layers of a Keras configuration, checked and reduced to references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_objects import Config

_NAMED = ("query", "value", "key")
"""What attention takes by name, in the order of its arguments."""
_INSTEAD = {
    "attention_mask": "Give it a constant array, use use_causal_mask=True, or an Embedding with "
    "mask_zero=True.",
    "mask": "Masks of Masking, and of an Embedding with mask_zero=True, are followed. For others, "
    "give the network windows of one length.",
}
"""What to do without an argument of a call."""
Call = tuple[str, int, int]
"""A tensor in Keras: the layer's name, the index of the call, the index of the output."""


def calls(value: Any) -> Iterable[Call]:
    """The leaves [layer, call, tensor] of a list of inputs or outputs."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if value and isinstance(value[0], str):
        yield (value[0], value[1], value[2])
        return
    for item in value:
        yield from calls(item)


def is_tensor(value: Any) -> bool:
    """Whether an argument of a call of Keras 3 is a tensor."""
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def tensors_in(value: Any) -> Iterable[Call]:
    """The tensors in the arguments of a call of Keras 3, by position or by name."""
    if is_tensor(value):
        yield from calls(value["config"]["keras_history"])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def output_names(config: Any) -> tuple[str, ...]:
    """How the author of a functional model calls its outputs: by the keys of a dictionary, or by
    their layers. Empty for other models, and where the names repeat.
    """
    outputs = config.get("output_layers") if isinstance(config, Mapping) else None
    if isinstance(outputs, Mapping):
        names = tuple(map(str, outputs))
    else:
        try:
            names = tuple(layer for layer, _, _ in calls(outputs or ()))
        except (TypeError, IndexError, KeyError):
            return ()  # the configuration is refused elsewhere
    return names if len({*names}) == len(names) else ()


def clean_references(value: Any) -> Any:
    """[layer, call, tensor], or a list of those."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [clean_references(item) for item in value]
    if isinstance(value, str | int):
        return value
    raise ModelError(f"The model's list of inputs or outputs holds {value!r}.")


def without_mode(call: Any) -> Any:
    """A call of Keras 3 without the argument `training`."""
    if not isinstance(call, Mapping):
        return call
    named = call.get("kwargs") or {}
    return {**call, "kwargs": {key: named[key] for key in named if key != "training"}}


def with_states(call: Any) -> Any:
    """A call of Keras 3 with the tensors of the argument `initial_state` behind the others."""
    if not isinstance(call, Mapping):
        return call
    named = dict(call.get("kwargs") or {})
    first = named.pop("initial_state", None)
    states = [] if first is None else [first]
    return {**call, "args": [*call.get("args", []), *states], "kwargs": named}


def masks_of(call: Any) -> tuple[str, ...]:
    """The layers that send along the mask that a layer is called with; none without such a mask."""
    return tuple(call.get("masks", ())) if isinstance(call, Mapping) else ()


def without_names(call: Any, separate: bool) -> tuple[Any, bool, Any]:
    """A call of Keras 3 with the tensors that attention takes by name among its arguments, in
    order, whether it has use_causal_mask=True, and its attention_mask, nested lists, if that is
    constant.
    """
    if not isinstance(call, Mapping):
        return call, False, None
    named = dict(call.get("kwargs") or {})
    causal = named.pop("use_causal_mask", False) is True
    given = named.get("attention_mask")
    fixed = isinstance(given, Mapping) and given.get("class_name") == "__numpy__"
    visible = named.pop("attention_mask")["config"]["value"] if fixed else None
    args = list(call.get("args", []))
    if separate and any(each in named for each in _NAMED):
        args += [named.pop(each) for each in _NAMED[len(args) :] if named.get(each) is not None]
    return {**call, "args": args, "kwargs": named}, causal, visible


def clean_call(call: Any, name: str, separate: bool = False) -> Config:
    """The call of a layer, as {"args", "kwargs"} with tensors alone.

    That is its form in Keras 3; in Keras 2 it is [[layer, call, tensor, kwargs], ...]. `separate`:
    the layer takes its tensors as arguments of their own.
    """
    if isinstance(call, Mapping):
        tensors = _tensors(call.get("args", []), name)
        _refuse_arguments(call.get("kwargs") or {}, name)
    else:
        references = [call] if call and isinstance(call[0], str) else call
        for reference in references:
            _refuse_arguments((reference[3] if len(reference) > 3 else None) or {}, name)
        tensors = [_tensor(reference[:3]) for reference in references]
    if separate:
        return {"args": tensors, "kwargs": {}}
    # A layer takes several tensors in one list; x + y passes them separately.
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": {}}


def _tensor(history: Any) -> Config:
    """A tensor, by the call that computes it."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"keras_history": clean_references(history)},
    }


def _tensors(value: Any, name: str) -> list[Config]:
    """The tensors in a call's positional arguments, in order."""
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item, name)]
    if is_tensor(value):
        return [_tensor(value["config"]["keras_history"])]
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
        shown = "a tensor" if isinstance(value, Mapping | list | tuple) else repr(value)
        raise ModelError(
            f"Layer {name!r} is called with {key}={shown}, which is not supported.",
            hint=_INSTEAD.get(key, "Call the layer with its input alone and save the model again."),
        )

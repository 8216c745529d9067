"""Masks in the calls of functional models. Keras 3 writes the mask that an Embedding or a Masking
sends along as operations of its own, whose result later layers are called with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinycomp.frontend._keras_calls import Call, calls, is_tensor, tensors_in
from tinycomp.frontend._keras_objects import Config

_JOINS = ("LogicalAnd", "LogicalOr")
_CONVERSION = "ConvertToTensor"
"""What Attention makes of its mask."""


def with_senders(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of a functional model without such operations.

    A call with a mask gets a key "masks" instead: the names of the layers that send it along. Masks
    of any other kind stay, and are refused where calls are cleaned.
    """
    masks = _Masks(config["layers"])
    layers = [masks.named(entry) for entry in config["layers"]]
    if not masks.operations:
        return config
    read = {name for entry in layers if entry["name"] not in masks.operations
            for name, _, _ in tensors_in(entry["inbound_nodes"])}  # fmt: skip
    read |= {name for name, _, _ in calls(config["output_layers"])}
    kept = [each for each in layers if each["name"] not in masks.operations - read]
    return {**config, "layers": kept}


class _Masks:
    """The operations that compute masks, and the layers that send them along."""

    def __init__(self, layers: list[Config]) -> None:
        self.entries = {str(entry.get("name")): entry for entry in layers}
        self.senders = dict(_senders(layers))
        self.operations: set[str] = set()
        """Names of the operations that were followed."""

    def named(self, entry: Config) -> Config:
        """A layer with the senders of its calls' masks."""
        nodes = [self._call(node) for node in entry.get("inbound_nodes", ())]
        return {**entry, "name": str(entry.get("name")), "inbound_nodes": nodes}

    def _call(self, node: Any) -> Any:
        if not isinstance(node, Mapping):
            return node
        named = dict(node.get("kwargs") or {})
        found = self._followed(_history(named.get("mask")))
        if not found:
            return node
        self.operations |= found[1]
        del named["mask"]
        return {**node, "kwargs": named, "masks": sorted(found[0])}

    def _followed(self, call: Call | None) -> tuple[set[str], set[str]] | None:
        """The senders of a mask, and the operations that compute it; None if it is another's."""
        entry = self.entries.get(call[0]) if call else None
        if entry is None or not str(entry.get("module")).startswith("keras.src.ops"):
            return None
        name, kind = str(entry["name"]), entry["class_name"]
        args = entry["inbound_nodes"][0]["args"]
        if kind == "NotEqual":
            sender = self.senders.get((_history(args[0]), args[1], False))
            return ({sender}, {name}) if sender else None
        if kind == "Any" and entry["config"].get("axis", -1) in (-1, 2):
            compared = self.entries.get((_history(args[0]) or ("",))[0], {})
            if compared.get("class_name") != "NotEqual":
                return None
            source, value = compared["inbound_nodes"][0]["args"]
            sender = self.senders.get((_history(source), value, True))
            return ({sender}, {name, str(compared["name"])}) if sender else None
        if kind != _CONVERSION and kind not in _JOINS:
            return None
        sides = [self._followed(_history(each)) for each in args[: 1 if kind == _CONVERSION else 2]]
        found = [side for side in sides if side]
        # Of different masks the two operations differ; of one mask they give it back.
        if len(found) < len(sides) or any(side[0] != found[0][0] for side in found):
            return None
        return found[0][0], {name}.union(*(side[1] for side in found))


def _senders(layers: list[Config]) -> Iterator[tuple[tuple[Call | None, float, bool], str]]:
    """Layers that send masks along, by what they compare with which value, row by row or not."""
    for entry in layers:
        kind, options = entry.get("class_name"), entry.get("config") or {}
        if kind == "Masking":
            value, by_rows = float(options.get("mask_value", 0)), True
        elif kind == "Embedding" and options.get("mask_zero"):
            value, by_rows = 0.0, False
        else:
            continue
        for node in entry.get("inbound_nodes", ()):
            if isinstance(node, Mapping):
                yield (_history(node["args"][0]), value, by_rows), str(entry["name"])


def _history(value: Any) -> Call | None:
    """The call that computes a tensor; None for anything else."""
    return next(iter(tensors_in(value))) if is_tensor(value) else None

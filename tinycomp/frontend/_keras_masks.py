"""Masks of steps, which Masking and an Embedding with mask_zero=True send along: layers that skip
steps get them as tensors (steps, 1), 1 where a step counts and 0 where it is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.counted_mean import CountedMean
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.function import Function
from tinycomp.ops.mul import Mul
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape

_RECURRENT = ("Bidirectional", "GRU", "LSTM", "SimpleRNN")
_MASKED = (*_RECURRENT, "GlobalAveragePooling1D")
"""Layers that can leave masked steps out."""
_ATTENTION = ("AdditiveAttention", "Attention", "MultiHeadAttention")
"""Layers with a mask for each input: `attended`."""
MASKS = "masks"
"""The option of attention, which Keras does not have: the mask of each input, or None."""
_PASS = {
    "Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Dense", "Dot", "Dropout",
    "ELU", "EinsumDense", "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU",
    "Maximum", "Minimum", "Multiply", "PReLU", "RMSNormalization", "ReLU", "Rescaling", "Softmax",
    "Subtract", "TimeDistributed", "UnitNormalization",
}  # fmt: skip
"""Layers after which Keras keeps the mask; all others drop it, but recurrent ones that return all
states.
"""
_NEAR = 1 / 64
"""Values count as a mask_value other than zero up to this share of it: they are quantized."""


@dataclass(frozen=True)
class _Origin:
    """What a mask is made of."""

    name: str
    """Of the layer that sends it along."""
    source: str
    """Its input: numbers of words, or rows of values."""
    words: int | None
    """The rows of an Embedding; None for a Masking."""
    value: float
    """What all values of a masked row are."""


@dataclass
class Masks:
    """Which tensors have a mask, while a model is read."""

    builder: GraphBuilder
    """Receives the masks that are needed."""
    origins: dict[str, tuple[_Origin, ...]] = field(default_factory=dict)
    """By masked tensor; several if masks were joined."""
    made: dict[str, str] = field(default_factory=dict)
    """Masks as tensors, by the name of the layer that sends them along."""

    def taken(
        self, layer: KerasLayer, inputs: Sequence[str], senders: Sequence[str] = ()
    ) -> str | None:
        """The mask that a layer computes with; None if it has none, or does not care.

        Args:
            layer: the layer.
            inputs: its inputs.
            senders: the layers whose masks it is called with; none to follow its inputs.

        Raises:
            ModelError: the layer skips steps, and that is not supported.
        """
        found = self._of(inputs, senders)
        if not found or layer.class_name not in _MASKED:
            return None
        return self._made(layer, found)

    def attended(self, layer: KerasLayer, inputs: Sequence[str]) -> KerasLayer:
        """The layer with the masks of its inputs, if it is attention and any of them has one.

        Raises:
            ModelError: an input has several masks.
        """
        if layer.class_name not in _ATTENTION:
            return layer
        found = [self._of([name], ()) for name in inputs]
        if not any(found):
            return layer
        masks = [self._made(layer, each) if each else None for each in found]
        return replace(layer, config={**layer.config, MASKS: masks})

    def _made(self, layer: KerasLayer, found: Sequence[_Origin]) -> str:
        """The tensor of the one mask, made when it is first needed."""
        if len(found) > 1:
            names = " and ".join(repr(each.name) for each in found)
            raise refusal(
                layer,
                f"skips the steps that {names} masks",
                expected="Expected every step to count, padding too.",
                hint="Train the model with mask_zero=False, or without Masking; with padding in "
                "front (pad_sequences' default) networks lose little.",
            )
        (origin,) = found
        if origin.name not in self.made:
            self.made[origin.name] = _mask(layer, origin, self.builder)
        return self.made[origin.name]

    def masking(self, layer: KerasLayer, inputs: Sequence[str]) -> str:
        """Add a Masking: masked rows become zeros."""
        (x,) = inputs
        value = float(layer.config["mask_value"])
        origin = _Origin(layer.name, x, None, value)
        if value == 0:
            output = self.builder.add(Reshape(self.builder.tensors[x].shape), [x], layer.name)
        else:
            self.made[layer.name] = _mask(layer, origin, self.builder)
            output = merge(Mul(), layer, [x, self.made[layer.name]], self.builder)
        self.origins[output] = (origin,)
        return output

    def follow(
        self, layer: KerasLayer, inputs: Sequence[str], output: str, senders: Sequence[str] = ()
    ) -> None:
        """Note whether the layer's output has a mask; `senders` as in `taken`."""
        if layer.class_name == "Embedding" and layer.config.get("mask_zero"):
            words = int(layer.config["input_dim"])
            self.origins[output] = (_Origin(layer.name, inputs[0], words, 0.0),)
        elif layer.class_name in (*_PASS, *_ATTENTION) or _returns_steps(layer):
            query = layer.class_name in _ATTENTION
            found = self._of(inputs[:1] if query else inputs, senders)
            if found:
                self.origins[output] = found

    def _of(self, inputs: Sequence[str], senders: Sequence[str]) -> tuple[_Origin, ...]:
        if senders:
            known = {each.name: each for masks in self.origins.values() for each in masks}
            return tuple(known[name] for name in senders)
        found = {each: None for name in inputs for each in self.origins.get(name, ())}
        return tuple(found)


def _returns_steps(layer: KerasLayer) -> bool:
    """Whether a recurrent layer returns all states, which keep the mask."""
    inner: Mapping[str, object] = layer.config
    if layer.class_name == "Bidirectional":
        inner = layer.config["layer"]["config"]
    return layer.class_name in _RECURRENT and bool(inner.get("return_sequences"))


def _mask(layer: KerasLayer, origin: _Origin, builder: GraphBuilder) -> str:
    """(steps, 1)."""
    shape, name = builder.tensors[origin.source].shape, f"{origin.name}/mask"
    if len(shape) != (1 if origin.words else 2):
        what = f"skips masked steps of a tensor of shape {shape}"
        raise refusal(layer, what, expected="Expected one axis of steps.")
    if origin.words:
        counts = np.ones((origin.words, 1), np.float32)
        counts[0] = 0
        table = builder.constant(f"{origin.name}/counts", counts)
        return builder.add(Embedding(), [origin.source, table], name)
    away = origin.source
    if origin.value:
        away = scaled(f"{name}/away", away, 1.0, -origin.value, builder)
    sizes = builder.add(Absolute(), [away], f"{name}/sizes")
    most = builder.add(ReduceMax.over((1,), 2, True), [sizes], f"{name}/most")
    if origin.value:
        most = scaled(f"{name}/more", most, 1.0, -abs(origin.value) * _NEAR, builder)
    sign = builder.add(Function("sign"), [most], f"{name}/sign")
    return builder.add(Relu(), [sign], name)


def mean_of_counted(
    layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder, mask: str
) -> str:
    """The mean of the rows that count."""
    (x,) = inputs
    if not layer.config.get("keepdims"):
        return builder.add(CountedMean(), [x, mask], layer.name)
    mean = builder.add(CountedMean(), [x, mask], f"{layer.name}/mean")
    return builder.add(Reshape((1, *builder.tensors[mean].shape)), [mean], layer.name)

"""Masks that an Embedding with mask_zero=True sends along: they are followed, and layers that skip
masked steps are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import refusal

_SKIP = {
    "AdditiveAttention", "Attention", "Bidirectional", "GRU", "GlobalAveragePooling1D",
    "GroupQueryAttention", "LSTM", "MultiHeadAttention", "SimpleRNN",
}  # fmt: skip
"""Layers that leave masked steps out of what they compute."""
_PASS = {
    "Activation", "Add", "Average", "BatchNormalization", "Concatenate", "Dense", "Dot", "Dropout",
    "ELU", "EinsumDense", "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU",
    "Maximum", "Minimum", "Multiply", "PReLU", "RMSNormalization", "ReLU", "Rescaling", "Softmax",
    "Subtract", "TimeDistributed", "UnitNormalization",
}  # fmt: skip
"""Layers after which Keras keeps the mask; all others drop it."""


@dataclass
class Masks:
    """Which tensors have a mask, while a model is read."""

    origins: dict[str, str] = field(default_factory=dict)
    """By masked tensor, the name of the Embedding that made the mask."""

    def check(self, layer: KerasLayer, inputs: Sequence[str]) -> None:
        """Refuse a layer that would skip masked steps.

        Raises:
            ModelError: it does.
        """
        origin = next((self.origins[name] for name in inputs if name in self.origins), None)
        if origin is not None and layer.class_name in _SKIP:
            raise refusal(
                layer,
                f"skips the steps that {origin!r} masks (mask_zero=True)",
                expected="Expected mask_zero=False: every step counts, padding too.",
                hint="Train the model with mask_zero=False; with padding in front "
                "(pad_sequences' default) recurrent layers lose little.",
            )

    def follow(self, layer: KerasLayer, inputs: Sequence[str], output: str) -> None:
        """Note whether the layer's output has a mask."""
        if layer.class_name == "Embedding" and layer.config.get("mask_zero"):
            self.origins[output] = layer.name
        elif layer.class_name in _PASS:
            found = next((self.origins[name] for name in inputs if name in self.origins), None)
            if found is not None:
                self.origins[output] = found

"""The output shapes of layers that are refused for an option, so that the layers after them are
read as well and one error names all.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Shape

_AS_INPUT = frozenset(
    {
        "Activation", "BatchNormalization", "ELU", "GroupNormalization", "LayerNormalization",
        "LeakyReLU",
        "MultiHeadAttention", "Normalization", "PReLU", "ReLU", "Rescaling", "Softmax",
        "UnitNormalization",
    }
)  # fmt: skip
_RECURRENT = ("GRU", "LSTM", "SimpleRNN")


def assumed_shape(layer: KerasLayer, inputs: Sequence[Shape]) -> Shape | None:
    """The shape that Keras gives a layer's output, without the batch; None if it is not known."""
    if layer.class_name in _AS_INPUT:
        return inputs[0]
    config, factor = layer.config, 1
    if layer.class_name == "Bidirectional":
        factor = 2 if config["merge_mode"] == "concat" else 1
        config = config["layer"]["config"]
    elif layer.class_name not in _RECURRENT:
        return None
    units = factor * int(config["units"])
    return (*inputs[0][:-1], units) if config["return_sequences"] else (units,)

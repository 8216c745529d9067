"""RNN layers around one of Keras's own cells: RNN(LSTMCell(8)) computes what LSTM(8) does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycomp.frontend._keras_objects import refuse_foreign

_WRAPPER = "RNN"
_LAYERS = {"GRUCell": "GRU", "LSTMCell": "LSTM", "SimpleRNNCell": "SimpleRNN"}
"""The layer of each cell."""
_OF_THE_WRAPPER = (
    "batch_input_shape", "go_backwards", "return_sequences", "return_state", "stateful",
    "trainable", "zero_output_for_mask",
)  # fmt: skip
"""Options that the cell does not have."""


def as_one_layer(
    class_name: str, config: Mapping[str, Any], name: str
) -> tuple[str, Mapping[str, Any]]:
    """The class and the options of the layer that computes the same; other layers unchanged.

    Raises:
        ModelError: the cell is a custom class.
    """
    cell = config.get("cell") if class_name == _WRAPPER else None
    kind = str(cell.get("class_name")) if isinstance(cell, Mapping) else ""
    if not isinstance(cell, Mapping) or kind not in _LAYERS:
        return class_name, config
    refuse_foreign(cell, kind, name)
    options = {key: config[key] for key in _OF_THE_WRAPPER if key in config}
    return _LAYERS[kind], {**cell["config"], **options, "name": name}

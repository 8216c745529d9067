"""Replacements for unsupported Keras layers."""

from __future__ import annotations

EXPORTED = (
    "Or export the model, code included, as TensorFlow's operators, and name the folder: "
    "model.export('folder')."
)
"""Where a model holds Python code."""
_INSTEAD = {
    "Lambda": "Use a layer that says what it does: Rescaling, Activation, Reshape, Add, Multiply. "
    + EXPORTED,
    "PruneLowMagnitude": "Take the wrapper off with tfmot.sparsity.keras.strip_pruning.",
    "activation": "Use one of Keras's own elementwise activations, or softmax.",
}
_GROUPS = (
    (
        "GRUCell LSTMCell SimpleRNNCell",
        f"Use a layer for all steps: GRU, LSTM or SimpleRNN. {EXPORTED}",
    ),
    (
        "RNN ConvLSTM3D",
        "Use LSTM, GRU or SimpleRNN (several for stacked cells), or Conv1D, strided or dilated, "
        "over the time axis.",
    ),
    ("ThresholdedReLU", "Use ReLU or LeakyReLU."),
    (
        "Conv3D Conv3DTranspose LocallyConnected1D LocallyConnected2D EinsumDense",
        "Use Conv2D, DepthwiseConv2D, SeparableConv2D or Dense.",
    ),
    (
        "Attention AdditiveAttention GroupQueryAttention",
        "Use MultiHeadAttention, Conv1D, Conv2D or Dense.",
    ),
    (
        "Discretization Hashing IntegerLookup MelSpectrogram "
        "STFTSpectrogram StringLookup TextVectorization",
        "Prepare the data before the model, in the firmware.",
    ),
    (
        "TFOpLambda TensorFlowOpLayer SlicingOpLambda",
        "Use keras.layers.Add, Multiply, Rescaling or Activation in place of functions.",
    ),
)
_OTHERWISE = (
    "Use convolutions, Dense, poolings, Add, Multiply, Concatenate, Reshape and activations."
)


def hint(class_name: str) -> str:
    """A sentence about the replacement for a layer of a class."""
    if class_name in _INSTEAD:
        return _INSTEAD[class_name]
    return next((what for names, what in _GROUPS if class_name in names.split()), _OTHERWISE)

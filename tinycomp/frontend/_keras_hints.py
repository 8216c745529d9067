"""What to use in place of Keras layers that are not supported."""

from __future__ import annotations

_INSTEAD = {
    "Lambda": "Use a layer that says what it computes: Rescaling, Activation, Reshape, Add, Multiply.",
    "activation": "Use one of hard_swish, leaky_relu, linear, relu, relu6, sigmoid, silu, softmax, tanh.",
}
_GROUPS = {
    "Use Conv1D, strided or dilated, over the time axis.": (
        "LSTM GRU SimpleRNN RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D StackedRNNCells TimeDistributed"
    ),
    "Use BatchNormalization, which costs nothing at inference.": (
        "LayerNormalization GroupNormalization UnitNormalization RMSNormalization SpectralNormalization"
    ),
    "Use ReLU or LeakyReLU.": "ELU PReLU ThresholdedReLU Selu Gelu",
    "Use Conv2D, DepthwiseConv2D or SeparableConv2D.": (
        "Conv3D Conv2DTranspose Conv1DTranspose Conv3DTranspose LocallyConnected1D LocallyConnected2D "
        "UpSampling1D UpSampling2D UpSampling3D EinsumDense"
    ),
    "Use Add or Concatenate.": "Average Subtract Maximum Minimum Dot",
    "Use Conv1D, Conv2D or Dense.": (
        "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention Embedding Masking RepeatVector"
    ),
    "Use strides or valid padding in the convolution before it.": "Cropping1D Cropping2D Cropping3D",
    "Bring the input into this order before the model.": "Permute",
    "Use the layer for one or two dimensions.": (
        "MaxPooling3D AveragePooling3D GlobalMaxPooling3D GlobalAveragePooling3D ZeroPadding3D"
    ),
    "Use MaxPooling2D, AveragePooling2D or a global pooling layer.": (
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D"
    ),
    "Prepare the data before the model, in the firmware that hands it in.": (
        "CategoryEncoding CenterCrop Discretization Hashing IntegerLookup MelSpectrogram Resizing STFTSpectrogram "
        "StringLookup TextVectorization"
    ),
    "Use Rescaling, or scale the data before the model.": "Normalization",
    "Use keras.layers.Add, Multiply, Rescaling or Activation.": "TFOpLambda TensorFlowOpLayer SlicingOpLambda",
    "Take the wrapper off (tfmot.sparsity.keras.strip_pruning) and save the model again.": "PruneLowMagnitude",
}


def hint(class_name: str) -> str:
    """One sentence that says what to use in place of a layer of that class."""
    if class_name in _INSTEAD:
        return _INSTEAD[class_name]
    for sentence, names in _GROUPS.items():
        if class_name in names.split():
            return sentence
    return "Use layers out of docs/design.md's list: Conv, DepthwiseConv, SeparableConv, Dense, pooling, Add, ..."

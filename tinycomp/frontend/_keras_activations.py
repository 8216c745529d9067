"""The supported activation functions of Keras, by name, each as one operator."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ops._keras import refusal
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.function import ACTIVATIONS as FUNCTIONS
from tinycomp.ops.function import Function
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.log_softmax import LogSoftmax
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.relu import Relu
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.tanh import Tanh

ACTIVATIONS: Mapping[str, Operator | None] = {
    **{kind: Function(kind) for kind in FUNCTIONS},
    "celu": Elu(),
    "elu": Elu(),
    "exponential": Exp(),
    "gelu": Gelu(),
    "hard_silu": HardSwish(),
    "hard_swish": HardSwish(),
    "leaky_relu": LeakyRelu(0.2),
    "linear": None,
    "log_softmax": LogSoftmax(),
    "relu": Relu(),
    "relu6": Relu(6.0),
    "sigmoid": Logistic(),
    "softmax": Softmax(),
    "swish": Function("silu"),
    "tanh": Tanh(),
}
"""With Keras's default options; None is the identity."""


def named_activation(layer: KerasLayer, option: str) -> Operator | None:
    """What a layer's option names; None for the identity.

    Raises:
        ModelError: it is a layer, not a name.
    """
    given = layer.config.get(option)
    if not isinstance(given, str):
        shown = given["class_name"] if isinstance(given, Mapping) else given
        raise refusal(layer, f"has {option}={shown}", expected="Expected its name.")
    return ACTIVATIONS[given]

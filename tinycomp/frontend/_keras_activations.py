"""The supported activation functions of Keras, by name, each as one operator."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
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
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.strided_slice import StridedSlice
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

GATED = "glu"
"""An activation of several operators: the first half of the last axis times the sigmoid of the
second.
"""


def gated(name: str, x: str, builder: GraphBuilder) -> str:
    """Add GATED; the name of its output.

    Raises:
        ModelError: the last axis has no halves.
    """
    *before, channels = builder.tensors[x].shape
    if channels % 2:
        raise ModelError(
            f"{name!r} halves an axis of {channels} values.",
            expected="Expected an even number of them.",
            hint="Give the layer an even number of units or filters.",
        )
    half = channels // 2
    first, second = (
        builder.add(
            StridedSlice((*((0, size, 1) for size in before), (start, half, 1))),
            [x],
            f"{name}/{part}",
        )
        for part, start in (("values", 0), ("gates", half))
    )
    return builder.add(Mul(), [first, builder.add(Logistic(), [second], f"{name}/shares")], name)


def named_activation(layer: KerasLayer, option: str) -> Operator | None:
    """What a layer's option names; None for the identity.

    Raises:
        ModelError: it is a layer, not a name.
    """
    given = layer.config.get(option)
    if not isinstance(given, str):
        shown = given["class_name"] if isinstance(given, Mapping) else given
        raise refusal(layer, f"has {option}={shown}", expected="Expected its name.")
    if given == GATED:
        raise refusal(layer, f"has {option}='{GATED}'", expected="Expected one of single values.")
    return ACTIVATIONS[given]

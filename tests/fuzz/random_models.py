"""Random float models of Keras layers: branches, joins, shared layers, scale layers at every rank,
every activation.

The same seed gives the same model and data. Each step has its own random generator, so a failing
model can be minimized by leaving out steps without changing the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from tinycomp.frontend._keras_activations import ACTIVATIONS
from tinycomp.frontend._keras_legacy import OLD_HARD_SIGMOID
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.tensor import Array

FEWEST, MOST = 4, 9
"""Random steps per model; each adds one to five layers."""
SEVERAL_OUTPUTS = 0.15
"""The fraction of models with two or three outputs."""
SEVERAL_INPUTS = 0.15
"""The fraction of models with two or three inputs."""
LARGEST = 3000
"""The most elements of a tensor, so that models run quickly."""
MOST_STEPS = 12
"""Of recurrent layers: calibration runs most of them step by step."""
SAMPLES = 60
"""Samples for calibration and verification."""

Step = Callable[["_Growing", Any], Any]


class _Growing:
    """A model under construction from random layers. Layers that do not fit give None."""

    def __init__(self, seed: int, kinds: Sequence[Step]) -> None:
        self.keras = import_keras()
        self.k = self.keras.layers
        self.seed, self.kinds = seed, kinds
        self.rng = np.random.default_rng((seed, 0))
        shapes = [self.integers((4, 4, 1), (13, 11, 5)), self.integers((6, 1), (40, 6)),
                  self.integers((3,), (60,))]  # fmt: skip
        self.input = self.keras.Input(shapes[self.rng.integers(3)], name="main")
        self.others = self._other_inputs()
        self.tensors = [self.input, *self.others]

    def _other_inputs(self) -> list[Any]:
        """More inputs, of a few models; drawn apart, so that the other models stay as they are."""
        rng = np.random.default_rng((self.seed, 1 << 21))
        if rng.random() >= SEVERAL_INPUTS:
            return []
        shapes = [self.input.shape[1:], (7,), (12, 3), (6, 5, 2)]
        chosen = [shapes[i] for i in rng.integers(0, len(shapes), rng.integers(1, 3))]
        return [
            self.keras.Input(shape, name=f"other_{number}") for number, shape in enumerate(chosen)
        ]

    def integers(self, low: tuple[int, ...], high: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(n) for n in self.rng.integers(low, high))

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def choice(self, options: Any) -> Any:
        options = list(options)
        return options[self.rng.integers(len(options))]

    def activation(self) -> str | None:
        """Without softmax, which is constant along one channel, and what only Keras 2 has."""
        left_out = {"log_softmax", "softmax", OLD_HARD_SIGMOID}
        return str(self.choice(sorted({*ACTIVATIONS} - left_out)))

    def grow(self, step: int, left_out: bool) -> None:
        self.rng = np.random.default_rng((self.seed, step))
        while True:
            x = self.choice(self.tensors[-3:] if self.rng.random() < 0.6 else self.tensors)
            kind = self.choice(self.kinds)
            made = x if left_out else kind(self, x)
            if made is not None and np.prod(made.shape[1:]) <= LARGEST:
                self.tensors.append(made)
                return

    def partner(self, x: Any) -> Any:
        """Another tensor of the same shape, or the output of a layer applied to x."""
        others = [y for y in self.tensors if y is not x and y.shape == x.shape]
        if others:
            return self.choice(others)
        return self.k.Activation(self.activation())(x)

    def model(self) -> Any:
        """Most models end with classes, some with any layer; some return other tensors too."""
        self.rng = np.random.default_rng((self.seed, MOST + 1))
        x = self.tensors[-1]
        if self.rng.random() < 0.7:
            if len(x.shape) > 2:
                pooled = self.choice(["Flatten", "GlobalAveragePooling", "GlobalMaxPooling"])
                size = "" if pooled == "Flatten" else f"{len(x.shape) - 2}D"
                x = getattr(self.k, f"{pooled}{size}")()(x)
            end = self.choice(["softmax", "sigmoid", "linear"])
            x = self.k.Dense(self.number(2, 11), activation=end)(x)
        if any(x is each for each in (self.input, *self.others)):
            x = self.k.Dense(3)(x)
        if self.others:  # all inputs lead somewhere
            ends = [self.k.Dense(2)(self.k.Flatten()(y)) for y in (self.input, *self.others)]
            return self.keras.Model([self.input, *self.others], [x, *ends])
        others = [y for y in self.tensors if y is not self.input and y is not x]
        if others and self.rng.random() < SEVERAL_OUTPUTS:
            count = self.number(1, 1 + min(2, len(others)))
            more = [others[i] for i in self.rng.permutation(len(others))[:count]]
            return self.keras.Model(self.input, [x, *more])
        return self.keras.Model(self.input, x)


def _image(x: Any) -> bool:
    return len(x.shape) == 4


def _window(g: _Growing, x: Any) -> dict[str, Any] | None:
    kernel = g.integers((1, 1), (4, 4))
    padding = g.choice(["same", "valid"])
    if padding == "valid" and (kernel[0] > x.shape[1] or kernel[1] > x.shape[2]):
        return None
    stride = g.number(1, 3)
    return {"kernel": kernel, "strides": stride, "padding": padding}


def _conv(g: _Growing, x: Any) -> Any:
    if len(x.shape) == 3:
        size = g.number(1, 5)
        padding = g.choice(["same", "causal"])
        options = {
            "padding": padding,
            "dilation_rate": g.number(1, 3),
            "activation": g.activation(),
        }
        return g.k.Conv1D(g.number(1, 9), size, **options)(x)
    found = _window(g, x) if _image(x) else None
    if found is None:
        return None
    kernel = found.pop("kernel")
    kind = g.choice(["Conv2D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D"])
    sizes = (kernel,) if kind == "DepthwiseConv2D" else (g.number(1, 9), kernel)
    return getattr(g.k, kind)(*sizes, activation=g.activation(), **found)(x)


def _dense(g: _Growing, x: Any) -> Any:
    return g.k.Dense(g.number(1, 13), activation=g.activation(), use_bias=bool(g.number(0, 2)))(x)


def _activation(g: _Growing, x: Any) -> Any:
    k = g.k
    layers = [
        k.Activation(g.activation()), k.Activation(g.activation()), k.ReLU(max_value=2.5),
        k.LeakyReLU(0.3), k.ELU(alpha=0.5), k.ReLU(negative_slope=0.1, max_value=6),
        k.PReLU(shared_axes=list(range(1, len(x.shape) - 1)) or None), k.PReLU(),
    ]  # fmt: skip
    return g.choice(layers)(x)


def _softmax(g: _Growing, x: Any) -> Any:
    return g.k.Softmax()(x) if x.shape[-1] > 2 else None


def _scale(g: _Growing, x: Any) -> Any:
    k, channels = g.k, x.shape[-1]
    mean = g.rng.normal(0, 1, channels).tolist()
    variance = g.rng.uniform(0.2, 4, channels).tolist()
    layers = [
        k.BatchNormalization(), k.Rescaling(float(g.rng.uniform(-2, 2)), 0.3),
        k.Normalization(mean=mean, variance=variance),
        k.Normalization(mean=mean, variance=variance, invert=True),
    ]  # fmt: skip
    return g.choice(layers)(x)


def _join(g: _Growing, x: Any) -> Any:
    kind = g.choice(["Add", "Multiply", "Average", "Subtract", "Maximum", "Minimum", "Concatenate"])
    options = {"axis": g.number(1, len(x.shape))} if kind == "Concatenate" else {}
    return getattr(g.k, kind)(**options)([x, g.partner(x)])


def _branches(g: _Growing, x: Any) -> Any:
    """A layer with weights, a function and a pooling in parallel."""
    if not _image(x):
        return None
    parts = [
        g.k.Conv2D(x.shape[-1], 1, activation=g.activation())(x),
        g.k.Activation(g.activation())(x),
        g.k.MaxPooling2D(3, strides=1, padding="same")(x),
    ]
    return g.k.Concatenate(axis=g.number(1, 4))([parts[i] for i in g.rng.permutation(3)])


def _shared(g: _Growing, x: Any) -> Any:
    """One layer applied to two tensors."""
    shared = g.k.Dense(g.number(1, 6), activation=g.activation())
    if _image(x) and g.number(0, 2):
        shared = g.k.Conv2D(g.number(1, 6), g.number(1, 4), padding="same")
    return g.k.Add()([shared(x), shared(g.partner(x))])


def _excite(g: _Growing, x: Any) -> Any:
    if not _image(x):
        return None
    factors = g.k.GlobalAveragePooling2D(keepdims=True)(x)
    return g.k.Multiply()([x, g.k.Dense(x.shape[-1], activation="hard_sigmoid")(factors)])


def _pool(g: _Growing, x: Any) -> Any:
    kind = g.choice(["MaxPooling", "AveragePooling"])
    if len(x.shape) == 3 and x.shape[1] > 1:
        return getattr(g.k, f"{kind}1D")(2, padding=g.choice(["same", "valid"]))(x)
    found = _window(g, x) if _image(x) else None
    return found and getattr(g.k, f"{kind}2D")(found.pop("kernel"), **found)(x)


def _move(g: _Growing, x: Any) -> Any:
    """Padding, cropping, reshapes."""
    k, shape = g.k, x.shape[1:]
    if len(shape) == 1 and g.number(0, 3) == 0:
        return k.RepeatVector(g.number(1, 5))(x)
    if len(shape) == 1:
        divisors = [n for n in range(1, shape[0] + 1) if shape[0] % n == 0]
        rows = g.choice(divisors)
        return k.Reshape(g.choice([(rows, -1), (rows, 1, -1), (1, rows, -1)]))(x)
    size = f"{len(shape) - 1}D"
    amounts = [g.integers((0, 0), (3, 2)) for _ in shape[:-1]]
    given = amounts[0] if size == "1D" else tuple(amounts)
    order = [1 + int(n) for n in g.rng.permutation(len(shape))]
    moves = [k.Flatten(), getattr(k, f"ZeroPadding{size}")(given), k.Permute(order)]
    moves.append(getattr(k, f"UpSampling{size}")(g.number(1, 3)))
    if all(length > sum(ends) for length, ends in zip(shape, amounts, strict=False)):
        moves.append(getattr(k, f"Cropping{size}")(given))
    return g.choice(moves)(x)


def _attend(g: _Growing, x: Any) -> Any:
    """Attention, normalization of vectors, products of tensors."""
    k = g.k
    layers = [k.LayerNormalization(), k.UnitNormalization()] if x.shape[-1] > 2 else []
    if len(x.shape) == 3:
        layers.append(lambda y: k.MultiHeadAttention(g.number(1, 3), g.number(1, 5))(y, y))
        if x.shape[1] ** 2 <= LARGEST:
            layers.append(lambda y: k.Dot(axes=2)([y, g.partner(y)]))
    return g.choice(layers)(x) if layers else None


def _enlarge(g: _Growing, x: Any) -> Any:
    """Transposed convolutions, groups, means between cells."""
    if len(x.shape) < 3:
        return None
    size = "2D" if _image(x) else "1D"
    options = {"strides": g.number(1, 4), "padding": g.choice(["same", "valid"])}
    kernel, channels = g.number(1, 5), g.number(1, 5)
    layers = [getattr(g.k, f"Conv{size[0]}DTranspose")(channels, kernel, **options)]
    if _image(x):
        layers.append(g.k.UpSampling2D(g.number(1, 3), interpolation="bilinear"))
    groups = [n for n in range(2, x.shape[-1] + 1) if x.shape[-1] % n == 0]
    if groups:
        n = g.choice(groups)
        layers.append(getattr(g.k, f"Conv{size}")(n * channels, 2, padding="same", groups=n))
    return g.choice(layers)(x)


def _part(g: _Growing, x: Any) -> Any:
    """A slice of a tensor."""
    if len(x.shape) == 2:
        return x[:, g.number(0, x.shape[1]) :]
    return g.choice([x[:, -1], x[:, g.number(0, x.shape[1]) :], x[..., ::-1], x[:, ::2]])


def _over_time(g: _Growing, x: Any) -> Any:
    """A recurrent layer: one direction, both, or backwards."""
    if _image(x):
        x = g.k.Reshape((x.shape[1], -1))(x)
    if len(x.shape) != 3 or x.shape[1] > MOST_STEPS:
        return None
    kind = g.choice(["GRU", "GRU", "LSTM", "LSTM", "SimpleRNN"])
    options = {"activation": g.choice(["tanh", "tanh", "relu", "elu"])}
    if kind == "GRU":
        options["reset_after"] = bool(g.number(0, 2))
    if kind != "SimpleRNN":
        options["recurrent_activation"] = g.choice(["sigmoid", "sigmoid", "hard_sigmoid"])
    options |= {"return_sequences": bool(g.number(0, 3)), "use_bias": bool(g.number(0, 4))}
    backwards = g.number(0, 4) == 0
    layer = getattr(g.k, kind)(g.number(1, 9), go_backwards=backwards, **options)
    if not backwards and g.number(0, 3) == 0:
        return g.k.Bidirectional(layer, merge_mode=g.choice(["concat", "sum", "mul"]))(x)
    return layer(x)


OVER_TIME: tuple[Step, ...] = (_over_time,) * 10
"""Recurrent layers, as often as they should be drawn among the others."""

STEPS: tuple[Step, ...] = (
    *(_conv, _conv, _conv, _dense, _activation, _activation, _softmax, _scale, _scale),
    *(_join, _join, _branches, _shared, _excite, _pool, _move, _attend, _enlarge, _part),
)


def steps(seed: int) -> int:
    """The number of steps of a seed's model."""
    return int(np.random.default_rng((seed, 1 << 20)).integers(FEWEST, MOST + 1))


def random_model(seed: int, left_out: Collection[int] = (), more: Sequence[Step] = ()) -> Any:
    """A Keras model with random weights, without the steps (from 1) that are left out.

    Args:
        seed: of all choices.
        left_out: the steps that only repeat a tensor.
        more: kinds of layers in addition to the usual ones.
    """
    growing = _Growing(seed, (*STEPS, *more))
    for step in range(1, steps(seed) + 1):
        growing.grow(step, step in left_out)
    model = growing.model()
    rng = np.random.default_rng((seed, MOST + 2))
    for layer in model.layers:
        layer.set_weights([_values(rng, variable) for variable in layer.weights])
    return model


def random_data(model: Any, seed: int) -> dict[str, Array]:
    """Inputs of the model; one in ten is an outlier."""
    rng = np.random.default_rng((seed, MOST + 3))
    found = {}
    for number, tensor in enumerate(model.inputs):
        x = rng.normal(0, 7.0**number, (SAMPLES, *tensor.shape[1:])).astype(np.float32)
        x[::10] *= 5
        found[tensor.name if len(model.inputs) > 1 else "x"] = x
    return found


def _values(rng: np.random.Generator, variable: Any) -> Array:
    shape = tuple(variable.shape)
    if variable.name in ("moving_variance", "gamma"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 4
    return rng.normal(0, 1 / np.sqrt(fan_in), shape).astype(np.float32)

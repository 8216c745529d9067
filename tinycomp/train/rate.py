"""Rate-penalised quantization: the entropy of the quantized weights is part of the loss.

w = s d round(v / d), where v are the weights divided by the layer's scale s, and d is a learned
step size (Esser et al., "Learned step size quantization", ICLR 2020). A weight costs the bits of
its symbol according to the symbol frequencies in its layer, interpolated between neighbouring
symbols to be differentiable (similar to Oktay et al., "Scalable model compression by entropy
penalized reparameterization", ICLR 2020). The frequencies are counted, not learned, so they are
always exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel, Layer, Moment

_MOST = 127
"""The most symbols on each side of zero."""
_FEWEST_BITS = 1e-6
"""Per weight: what is compared with a target of no bits at all."""
_EXCESS = 1.25
"""Bits beyond this factor of the target make the grid coarser at once: in a short training neither
weights nor steps, which move by a percent a time, get as far as the target asks.
"""
_COARSER = 0.5
"""The most bits per weight that are taken away at once so."""
_COUNTS = 40
"""The fewest counts of the symbols in a training, if it has as many steps."""
_UNSEEN = 0.5
"""Added to the count of each symbol, so that unused symbols have a finite cost."""


@dataclass(frozen=True)
class Rate(Constraint):
    """An average of at most `bits` per weight over all layers, by entropy.

    The penalty's weight is a multiplier that grows while the bits exceed a falling target and
    shrinks below it (an augmented Lagrangian), so it converges to the value that holds the target.
    Near the end symbols are frozen, the penalty is dropped, and step sizes and biases converge.
    """

    name: ClassVar[str] = "rate"
    stage: ClassVar[Literal["zeros", "grid"]] = "grid"

    bits: float = 2.0
    """Average bits per weight at the end."""
    step: float = 0.35
    """Initial step size, relative to the layer's scale. Accuracy does not recover from coarser
    grids.
    """
    press: float = 0.6
    """The share of training after which the target has fallen to `bits`."""
    freeze: float = 0.85
    """The share of training after which symbols are frozen."""
    gain: float = 100.0
    """Integral gain: growth of the multiplier over a training whose bits are twice the target."""
    stiffness: float = 8.0
    """Proportional gain: added to the multiplier in proportion to the relative excess."""
    every: int = 5
    """Steps between counts of the symbols."""
    per_channel: bool = False
    """One scale per channel instead of one per layer."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        if not 0 < self.bits <= 8:
            raise TinycompError(
                f"{self.bits:g} bits per weight are not possible.",
                expected="Expected 0 < bits <= 8.",
            )
        if not 0 <= self.press <= self.freeze <= 1 or self.step <= 0 or self.every < 1:
            raise TinycompError(
                f"press = {self.press:g}, freeze = {self.freeze:g}, step = {self.step:g} and "
                f"every = {self.every} are not possible.",
                expected="Expected 0 <= press <= freeze <= 1, step > 0, every >= 1.",
            )

    @property
    def settled(self) -> float:
        """When symbols are frozen."""
        return self.freeze

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """step: log of d. costs: bits of each symbol. symbols: the frozen symbols.

        control: the penalty's weight for this layer; the multiplier; bits per weight when the
        target began to fall; 1 once frozen; the target bits.
        """
        last = int(np.clip(np.ceil(np.abs(kernel).max() / self.step), 1, _MOST))
        found = symbols_of(kernel, self.step, last)
        return {
            "step": Initial(np.asarray(np.log(self.step), np.float32), trained=True),
            "costs": Initial(_costs(found, last)),
            "symbols": Initial(np.zeros(kernel.shape, np.float32)),
            "control": Initial(np.array([0, 0, 0, 0, self.bits], np.float32)),
        }

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """Weights rounded to whole steps; d has the gradient of learned step size quantization."""
        from keras import ops

        step, scaled = self._scaled(kernel, state)
        rounded = scaled + ops.stop_gradient(ops.round(scaled) - scaled)
        frozen = state["control"][3]
        return step * (frozen * state["symbols"] + (1.0 - frozen) * rounded)

    def _scaled(self, kernel: Any, state: Mapping[str, Any]) -> tuple[Any, Any]:
        """d, and the kernel divided by d, clipped to the range of symbols."""
        from keras import ops

        step, last = ops.exp(state["step"]), (state["costs"].shape[0] - 1) // 2
        return step, ops.clip(kernel / step, -last, last)

    def penalty(self, kernel: Any, state: Mapping[str, Any]) -> Any:
        """Mean bits of the layer's weights, times the penalty's weight."""
        from keras import ops

        _, scaled = self._scaled(kernel, state)
        count = state["costs"].shape[0]
        shifted = ops.reshape(scaled, (-1,)) + (count - 1) // 2
        below = ops.stop_gradient(ops.clip(ops.floor(shifted), 0, count - 2))
        index = ops.clip(ops.cast(below, "int32"), 0, count - 2)  # NaN casts to any integer
        costs = ops.stop_gradient(ops.convert_to_tensor(state["costs"]))
        low, high = ops.take(costs, index), ops.take(costs, index + 1)
        return state["control"][0] * ops.mean(low + (shifted - below) * (high - low))

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Count the symbols and update the multiplier; freeze symbols at the end."""
        if layers[0].state(self)["control"][3]:
            return
        if moment.share >= self.freeze:
            self._freeze(layers)
        elif moment.step % self._every(moment) == 0:
            self._press(layers, moment)

    def _press(self, layers: Sequence[Layer], moment: Moment) -> None:
        states = [layer.state(self) for layer in layers]
        found = [
            self._symbols(layer.kernel(self), s) for layer, s in zip(layers, states, strict=True)
        ]
        if not all(np.isfinite(symbols).all() for symbols in found):
            return  # the next loss is not finite either, which ends the training
        sizes = [symbols.size for symbols in found]
        bits = sum(entropy(each) * each.size for each in found) / sum(sizes)
        _, multiplier, start, _, wanted = states[0]["control"]
        start = start or bits
        share = min(1.0, moment.share / max(self.press, 1e-9))
        target = falling(start, wanted, share)
        excess = (bits - target) / max(target, _FEWEST_BITS)
        multiplier = max(0.0, multiplier + self.gain * self._every(moment) / moment.total * excess)
        weight = max(0.0, multiplier + self.stiffness * excess)
        excessive = float(np.clip(bits - _EXCESS * target, 0.0, _COARSER))
        for layer, state, symbols in zip(layers, states, found, strict=True):
            last = (len(state["costs"]) - 1) // 2
            control = [weight * symbols.size / sum(sizes), multiplier, start, 0.0, wanted]
            values = {"costs": _costs(symbols, last), "control": np.array(control, np.float32)}
            if excessive:
                values["step"] = np.asarray(state["step"] + np.log(2) * excessive, np.float32)
            layer.assign(self, values)

    def _every(self, moment: Moment) -> int:
        """Steps between counts; a short training has some of them too."""
        return max(1, min(self.every, moment.total // _COUNTS))

    def want(self, layers: Sequence[Layer], bits: float) -> None:
        """Change the target bits per weight; without effect once symbols are frozen."""
        for layer in layers:
            control = np.array(layer.state(self)["control"])
            control[4] = bits
            layer.assign(self, {"control": control})

    def _freeze(self, layers: Sequence[Layer]) -> None:
        for layer in layers:
            state = layer.state(self)
            symbols = self._symbols(layer.kernel(self), state).astype(np.float32)
            control = np.array([0.0, *state["control"][1:3], 1.0, 0.0], np.float32)
            layer.assign(self, {"symbols": symbols, "control": control})

    def _symbols(self, kernel: Kernel, state: Mapping[str, Array]) -> Kernel:
        if state["control"][3]:
            return np.asarray(state["symbols"], np.float64)
        last = (len(state["costs"]) - 1) // 2
        return symbols_of(kernel, float(np.exp(np.float32(state["step"]))), last)

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """Weights rounded to whole steps."""
        step = np.asarray(np.exp(np.float32(state["step"])), np.float64)
        return fixed.on(step * self._symbols(fixed.kernel, state), step)


def symbols_of(kernel: Kernel, step: float, last: int) -> Kernel:
    """The symbols of weights, from -last to last, computed in float32 as in training."""
    scaled = np.clip(kernel.astype(np.float32) / np.float32(step), -last, last)
    return np.asarray(np.rint(scaled), np.float64)


def entropy(symbols: Kernel) -> float:
    """Shannon entropy in bits per symbol: the size that an entropy coder approaches."""
    counts = np.unique(symbols, return_counts=True)[1]
    return float(-(counts * np.log2(counts / symbols.size)).sum() / symbols.size)


def falling(start: float, wanted: float, share: float) -> float:
    """The target bits after a share of the fall: smaller by the same factor in each step, since the
    fewer bits there are, the more of the model depends on each.
    """
    return float(start * (min(wanted, start) / max(start, _FEWEST_BITS)) ** share)


def _costs(symbols: Kernel, last: int) -> Array:
    """Bits of each symbol from -last to last."""
    counts = np.bincount((symbols + last).astype(np.int64).ravel(), minlength=2 * last + 1)
    shares = (counts + _UNSEEN) / (symbols.size + _UNSEEN * len(counts))
    return np.asarray(-np.log2(shares), np.float32)

"""Rate-penalised quantization: few symbols, and the bits that an entropy code takes for them are
part of the loss.

w = s d round(v / d): v are the weights in units of the layer's scale s, d is a step that is
learned (Esser et al., "Learned step size quantization", ICLR 2020). A weight's bits are those of
its symbol by the layer's own frequencies, interpolated between neighbours, so that they have a
gradient (in the family of Oktay et al., "Scalable model compression by entropy penalized
reparameterization", ICLR 2020). The frequencies are counted, not learned: they are exact at once.
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
"""Symbols on each side of zero."""
_UNSEEN = 0.5
"""How often a symbol counts that does not occur."""


@dataclass(frozen=True)
class Rate(Constraint):
    """At most `bits` a weight on average, over all layers, by entropy.

    The penalty's weight is a multiplier that grows while the bits exceed a falling target and falls
    below it (an augmented Lagrangian), so it comes to rest where it holds the target. Towards the
    end symbols are frozen, the penalty goes, and steps and biases settle.
    """

    name: ClassVar[str] = "rate"
    stage: ClassVar[Literal["zeros", "grid"]] = "grid"

    bits: float = 2.0
    """Of a weight, on average, at the end."""
    step: float = 0.35
    """Of the grid before training, in units of the layer's scale. Coarser ones do damage that
    training does not mend.
    """
    press: float = 0.6
    """The share of training after which the target has fallen to `bits`."""
    freeze: float = 0.85
    """The share after which symbols stay."""
    gain: float = 100.0
    """How much the multiplier would grow in a training whose bits are always twice the target."""
    stiffness: float = 8.0
    """What is added to it in proportion to that excess."""
    every: int = 5
    """Steps from one count of the symbols to the next."""
    per_channel: bool = False
    """Whether each channel has a scale of its own; else one serves the layer."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is impossible.
        """
        if not 0 < self.bits <= 8:
            raise TinycompError(
                f"{self.bits:g} bits a weight are not possible.", expected="Expected 0 < bits <= 8."
            )
        if not 0 <= self.press <= self.freeze <= 1 or self.step <= 0 or self.every < 1:
            raise TinycompError(
                f"A rate target reached after {self.press} and frozen after {self.freeze} of the "
                f"training, from the step {self.step} on, is not possible.",
                expected="Expected 0 <= press <= freeze <= 1, step > 0.",
            )

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """step: log of d. costs: bits of each symbol. symbols: once they are frozen.

        control: the penalty's weight for this layer; the multiplier; bits a weight when the
        target began to fall; 1 once frozen; the bits that are wanted.
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
        """Rounded to whole steps; d has the gradient of learned step size quantization."""
        from keras import ops

        step, places = self._places(kernel, state)
        rounded = places + ops.stop_gradient(ops.round(places) - places)
        frozen = state["control"][3]
        return step * (frozen * state["symbols"] + (1.0 - frozen) * rounded)

    def _places(self, kernel: Any, state: Mapping[str, Any]) -> tuple[Any, Any]:
        """d, and the kernel in steps of it."""
        from keras import ops

        step, last = ops.exp(state["step"]), (state["costs"].shape[0] - 1) // 2
        return step, ops.clip(kernel / step, -last, last)

    def penalty(self, kernel: Any, state: Mapping[str, Any]) -> Any:
        """Bits of the layer's weights, times its control."""
        from keras import ops

        _, places = self._places(kernel, state)
        count = state["costs"].shape[0]
        shifted = ops.reshape(places, (-1,)) + (count - 1) // 2
        below = ops.stop_gradient(ops.clip(ops.floor(shifted), 0, count - 2))
        index = ops.clip(ops.cast(below, "int32"), 0, count - 2)  # no number is any integer
        costs = ops.stop_gradient(ops.convert_to_tensor(state["costs"]))
        low, high = ops.take(costs, index), ops.take(costs, index + 1)
        return state["control"][0] * ops.mean(low + (shifted - below) * (high - low))

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Count symbols, and move the multiplier; freeze at the end."""
        if layers[0].state(self)["control"][3]:
            return
        if moment.share >= self.freeze:
            self._freeze(layers)
        elif moment.step % self.every == 0:
            self._press(layers, moment)

    def _press(self, layers: Sequence[Layer], moment: Moment) -> None:
        states = [layer.state(self) for layer in layers]
        found = [
            self._symbols(layer.kernel(self), s) for layer, s in zip(layers, states, strict=True)
        ]
        sizes = [symbols.size for symbols in found]
        bits = sum(entropy(each) * each.size for each in found) / sum(sizes)
        _, multiplier, start, _, wanted = states[0]["control"]
        start = start or bits
        share = min(1.0, moment.share / max(self.press, 1e-9))
        target = start + (min(wanted, start) - start) * share
        excess = (bits - target) / target
        multiplier = max(0.0, multiplier + self.gain * self.every / moment.total * excess)
        weight = max(0.0, multiplier + self.stiffness * excess)
        for layer, state, symbols in zip(layers, states, found, strict=True):
            last = (len(state["costs"]) - 1) // 2
            control = [weight * symbols.size / sum(sizes), multiplier, start, 0.0, wanted]
            layer.assign(
                self,
                {"costs": _costs(symbols, last), "control": np.array(control, np.float32)},
            )

    def want(self, layers: Sequence[Layer], bits: float) -> None:
        """From now on hold so many bits a weight; without effect once symbols are frozen."""
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
        """Whole steps."""
        step = np.asarray(np.exp(np.float32(state["step"])), np.float64)
        return fixed.on(step * self._symbols(fixed.kernel, state), step)


def symbols_of(kernel: Kernel, step: float, last: int) -> Kernel:
    """Whole steps, at most `last` from zero, in float32 as training rounds."""
    places = np.clip(kernel.astype(np.float32) / np.float32(step), -last, last)
    return np.asarray(np.rint(places), np.float64)


def entropy(symbols: Kernel) -> float:
    """Bits a symbol by their frequencies: what an entropy code comes close to."""
    counts = np.unique(symbols, return_counts=True)[1]
    return float(-(counts * np.log2(counts / symbols.size)).sum() / symbols.size)


def _costs(symbols: Kernel, last: int) -> Array:
    """Bits of each symbol from -last to last."""
    counts = np.bincount((symbols + last).astype(np.int64).ravel(), minlength=2 * last + 1)
    shares = (counts + _UNSEEN) / (symbols.size + _UNSEEN * len(counts))
    return np.asarray(-np.log2(shares), np.float32)

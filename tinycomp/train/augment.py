"""Data augmentation: samples are changed randomly in each training step.

Samples are images (height, width, channels), spectrograms (time, features, 1) or signals (length,
channels). Shifted samples are padded by repeating their border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import ConfigDict

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array

_AT_ONCE = 512
"""Images that are rotated at once, as positions take eight times the memory of a grey image."""
_IMAGES = "images (height, width, channels)"
_SERIES = "signals (length, channels), images and spectrograms"


@dataclass(frozen=True)
class Augmentation:
    """Options of the augmentation; by default samples are not changed."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    shift: int = 0
    """The largest shift of images in pixels, along both axes."""
    flip: bool = False
    """Whether to mirror images left to right with probability 1/2."""
    rotate: float = 0.0
    """The largest rotation of images in degrees, either way, about the centre."""
    crop: float = 1.0
    """The smallest share of each side to crop to, before stretching to full size again."""
    time_shift: int = 0
    """The largest shift along the first axis: rows of a spectrogram, or values of a signal."""
    gain: float = 0.0
    """Each channel of a sample is multiplied by a random factor, from 1 - gain to 1 + gain."""
    noise: float = 0.0
    """Standard deviation of Gaussian noise, relative to that of each channel."""
    mixup: float = 0.0
    """Alpha of the beta distribution for mixing pairs of samples and their targets (H. Zhang et
    al., "mixup: Beyond empirical risk minimization", ICLR 2018); 0 disables it.
    """

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: some are out of range; all of these are named.
        """
        checks = {
            "shift": self.shift >= 0,
            "rotate": 0 <= self.rotate <= 180,
            "crop": 0 < self.crop <= 1,
            "time_shift": self.time_shift >= 0,
            "gain": 0 <= self.gain < 1,
            "noise": self.noise >= 0,
            "mixup": self.mixup >= 0,
        }
        wrong = [f"{name} {getattr(self, name)}" for name, good in checks.items() if not good]
        if wrong:
            raise TinycompError(
                f"An augmentation with {', '.join(wrong)} is not possible.",
                expected="Expected 0 < crop <= 1, 0 <= gain < 1, 0 <= rotate <= 180, and the "
                "others at least 0.",
            )

    def __bool__(self) -> bool:
        """Whether any augmentation is enabled."""
        return self != Augmentation()

    @property
    def moves(self) -> tuple[str, ...]:
        """The enabled options that move values within a sample."""
        used = {
            "shift": self.shift > 0, "flip": self.flip, "rotate": self.rotate > 0,
            "crop": self.crop < 1, "time_shift": self.time_shift > 0,
        }  # fmt: skip
        return tuple(name for name, on in used.items() if on)

    @property
    def changes(self) -> tuple[str, ...]:
        """The enabled options that change values, not only their places."""
        used = {
            "rotate": self.rotate > 0, "crop": self.crop < 1, "gain": self.gain > 0,
            "noise": self.noise > 0, "mixup": self.mixup > 0,
        }  # fmt: skip
        return tuple(name for name, on in used.items() if on)

    def require_real(self, numbers: Sequence[str]) -> None:
        """Check that no option changes inputs that are numbers of rows of a table.

        Args:
            numbers: how the author calls these inputs.

        Raises:
            TinycompError: one does.
        """
        if numbers and self.changes:
            raise TinycompError(
                f"augment: '{self.changes[0]}' would turn the tokens of input '{numbers[0]}', "
                "which are numbers of rows of an embedding, into others.",
                hint="Omit it.",
            )

    def require(self, shape: tuple[int, ...], label_invariant: bool) -> None:
        """Check that the options fit the samples.

        Args:
            shape: the shape of a sample.
            label_invariant: whether targets remain valid when values move within a sample.

        Raises:
            TinycompError: an option does not fit.
        """
        for name in self.moves:
            images = name in ("shift", "flip", "rotate")
            if len(shape) != 3 and (images or len(shape) != 2):
                text = " x ".join(map(str, shape))
                raise TinycompError(
                    f"augment: '{name}' does not fit samples of {text}.",
                    expected=f"Expected {_IMAGES if images else _SERIES}.",
                    hint="Use time_shift, crop or noise for signals."
                    if len(shape) == 2
                    else "Use noise or mixup, or a model whose input has these axes.",
                )
        reach = {"shift": min(shape[:2], default=0), "time_shift": shape[0] if shape else 0}
        for name, size in reach.items():
            if getattr(self, name) >= size > 0:
                raise TinycompError(
                    f"augment: {name} = {getattr(self, name)} is too large for an axis of {size}.",
                    expected=f"Expected less than {size}.",
                )
        changing = (*self.moves, *(["gain"] if self.gain else []))
        if changing and not label_invariant:
            raise TinycompError(
                f"augment: '{changing[0]}' would invalidate labels that are values.",
                hint="Set imitation = 1 to use the float model's outputs for the changed samples "
                "as targets, or use noise or mixup.",
            )

    def apply(self, x: Array, unit: Array, rng: np.random.Generator) -> Array:
        """Randomly changed samples, without mixup (see `mix`), which also changes targets.

        Args:
            x: (samples, *shape), float32.
            unit: the standard deviation of each channel, see `deviations`.
            rng: the source of randomness.
        """
        count = len(x)
        if self.shift:
            for axis in (1, 2):
                x = _moved(x, rng.integers(-self.shift, self.shift + 1, count), axis)
        if self.time_shift:
            x = _moved(x, rng.integers(-self.time_shift, self.time_shift + 1, count), 1)
        if self.flip:
            flipped = (rng.random(count) < 0.5).reshape(-1, 1, 1, 1)
            x = np.where(flipped, x[:, :, ::-1], x)
        if self.rotate:
            x = _rotated(x, np.radians(rng.uniform(-self.rotate, self.rotate, count)))
        if self.crop < 1:
            for axis in range(1, x.ndim - 1):
                x = _cropped(x, rng.uniform(self.crop, 1, count), rng.random(count), axis)
        if self.gain:
            shape = (count, *[1] * (x.ndim - 2), x.shape[-1])
            x = x * rng.uniform(1 - self.gain, 1 + self.gain, shape)
        if self.noise:
            x = x + rng.normal(0, self.noise, x.shape) * unit
        return np.asarray(x, np.float32)

    def mix(self, x: Array, labels: Sequence[Array], rng: np.random.Generator) -> list[Array]:
        """Each sample mixed with another one, and the labels of each output in the same proportion
        (mixup).
        """
        share = rng.beta(self.mixup, self.mixup, len(x))
        other = rng.permutation(len(x))

        def mixed(values: Array) -> Array:
            part = share.reshape(-1, *[1] * (values.ndim - 1))
            return np.asarray(part * values + (1 - part) * values[other], np.float32)

        return [mixed(each) for each in (x, *labels)]


def deviations(x: Array) -> Array:
    """The standard deviation of each channel (last axis) over all samples."""
    return np.asarray(x.std(axis=tuple(range(x.ndim - 1)), dtype=np.float64))


def _moved(x: Array, steps: Array, axis: int) -> Array:
    """Each sample shifted by a whole number of values along an axis, repeating its border."""
    size = x.shape[axis]
    indices = np.clip(np.arange(size) - steps[:, np.newaxis], 0, size - 1)
    return _taken(x, indices, axis)


def _rotated(x: Array, angles: Array) -> Array:
    """Each image rotated about its centre (angles in radians), by bilinear interpolation, repeating
    its border.
    """
    parts = [slice(first, first + _AT_ONCE) for first in range(0, len(x), _AT_ONCE)]
    return np.concatenate([_rotated_part(x[part], angles[part]) for part in parts] or [x])


def _rotated_part(x: Array, angles: Array) -> Array:
    height, width = x.shape[1:3]
    middle, centre = (height - 1) / 2, (width - 1) / 2
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis] - np.float32(middle)
    columns = np.arange(width, dtype=np.float32) - np.float32(centre)
    turns = angles.astype(np.float32)[:, np.newaxis, np.newaxis]
    sine, cosine = np.sin(turns), np.cos(turns)
    down = np.clip(cosine * rows - sine * columns + np.float32(middle), 0, height - 1)
    right = np.clip(sine * rows + cosine * columns + np.float32(centre), 0, width - 1)
    top, left = down.astype(np.int32), right.astype(np.int32)
    below, beside = (down - top)[..., np.newaxis], (right - left)[..., np.newaxis]
    first = np.arange(len(x), dtype=np.int32)[:, np.newaxis, np.newaxis] * height
    pixels, found = x.reshape(-1, x.shape[-1]), np.zeros(x.shape, np.float32)
    for row, share in ((top, 1 - below), (np.minimum(top + 1, height - 1), below)):
        line = (first + row) * width
        for column, part in ((left, 1 - beside), (np.minimum(left + 1, width - 1), beside)):
            found += share * part * pixels.take(line + column, axis=0)
    return found


def _cropped(x: Array, shares: Array, starts: Array, axis: int) -> Array:
    """A part of each sample along an axis, stretched by linear interpolation."""
    span = x.shape[axis] - 1
    first = starts * (1 - shares) * span
    positions = first[:, np.newaxis] + shares[:, np.newaxis] * np.arange(span + 1)
    below = np.minimum(positions.astype(np.int64), max(span - 1, 0))
    rest = _along(positions - below, x, axis)
    low, high = _taken(x, below, axis), _taken(x, np.minimum(below + 1, span), axis)
    return np.asarray(low + rest * (high - low))


def _taken(x: Array, indices: Array, axis: int) -> Array:
    """The values at indices (samples, size) along an axis."""
    return np.take_along_axis(x, _along(indices, x, axis), axis)


def _along(values: Array, x: Array, axis: int) -> Array:
    """Values (samples, size) reshaped to broadcast against x along an axis."""
    return values.reshape(len(x), *[-1 if each == axis else 1 for each in range(1, x.ndim)])

"""Reads a folder of .wav recordings, one folder for each class: raw samples from -1 to 1, cut or
padded with silence to the length of the model's input.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinycomp.data.formats._folders import FolderSource, holds, read_folders
from tinycomp.data.formats._format import DataFormat
from tinycomp.data.source import Source, UnreadableError
from tinycomp.data.task import without_ones
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions

SUFFIXES = (".wav", ".wave")


class WavFolder(DataFormat):
    """Recordings by class."""

    described: ClassVar[str] = "a folder of .wav files by class"

    def accepts(self, path: Path) -> bool:
        """By the names of files in it."""
        return holds(path, SUFFIXES)

    def open(self, path: Path, options: DataOptions) -> Source:
        """Their names and classes; recordings are read when the model's input is known.

        Raises:
            DataError: a class has no recordings; class names are others.
        """
        return Recordings(read_folders(path, SUFFIXES, options.class_names))


class Recordings(FolderSource):
    """The classes of recordings."""

    def fitted(self, shape: Shape) -> Source:
        """With the recordings in the length of the model's input.

        Raises:
            UnreadableError: that is no recording's; a file can't be read.
        """
        length, channels = _signal_shape(shape)
        seen = _Seen()
        arrays = {
            half.files: _read_all(half.files, length, channels, seen) for half in self.found.halves
        }
        return self.with_inputs(lambda files: arrays[tuple(files)], seen.described(length))


@dataclass
class _Seen:
    """What was done to files, for notes."""

    rates: dict[int, Path] = field(default_factory=dict)
    """A file of each sample rate."""
    cut: int = 0
    """Files that were longer than the input."""
    padded: int = 0
    """Files that were shorter."""
    mixed: int = 0
    """Files with several channels, of which the mean was taken."""
    count: int = 0
    """All files."""

    def described(self, length: int) -> list[str]:
        """The notes."""
        rate = next(iter(self.rates))
        note = (
            f"{self.count} recordings are read as {length:,} samples each "
            f"({length / rate:.3g} s at {rate:,} Hz), values -1 to 1"
        )
        parts = ((self.cut, "cut at the end"), (self.padded, "padded with silence"),
                 (self.mixed, "mixed to one channel"))  # fmt: skip
        done = [f"{count} {what}" for count, what in parts if count]
        notes = [f"{note}{': ' if done else ''}{', '.join(done)}."]
        if len(self.rates) > 1:
            listed = ", ".join(f"{rate:,} Hz ({path.name})" for rate, path in self.rates.items())
            notes.append(
                f"Warning: recordings have different sample rates, and are not resampled: {listed}."
            )
        return notes


def _signal_shape(shape: Shape) -> tuple[int, int]:
    """Samples and channels of an input.

    Raises:
        UnreadableError: it takes no raw samples.
    """
    sizes = without_ones(shape)
    if len(sizes) == 1:
        return sizes[0], 1
    if len(sizes) == 2 and sizes[1] == 2:
        return sizes[0], 2
    raise UnreadableError(
        f"The model's input has the shape {shape}, which is no row of raw samples. "
        "Expected (samples,) or (samples, 1). "
        "Compute the model's features from the recordings, and save them with numpy.savez."
    )


def _read_all(files: Sequence[Path], length: int, channels: int, seen: _Seen) -> Array:
    """float32 (recordings, samples, channels).

    Raises:
        UnreadableError: a file is damaged, or not linear PCM.
    """
    values = np.zeros((len(files), length, channels), np.float32)
    for row, path in enumerate(files):
        rate, sound = read_wav(path)
        seen.rates.setdefault(rate, path)
        seen.count += 1
        seen.cut += len(sound) > length
        seen.padded += len(sound) < length
        if sound.shape[1] != channels:
            seen.mixed += 1
            sound = np.repeat(sound.mean(axis=1, keepdims=True), channels, axis=1)
        values[row, : len(sound)] = sound[:length]
    return values


def read_wav(path: Path) -> tuple[int, Array]:
    """The sample rate in Hz, and float32 values from -1 to 1 (samples, channels).

    Raises:
        UnreadableError: it is damaged, or not linear PCM of 8 to 32 bits.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError, RuntimeError) as error:
        raise UnreadableError(
            f"Recording {str(path)!r} can't be read ({error or 'cut off'}). "
            "Expected linear PCM, as Python's wave module reads it."
        ) from error
    data = data[: len(data) // (width * channels) * width * channels]
    return rate, _real(data, width).reshape(-1, channels)


def _real(data: bytes, width: int) -> Array:
    """Samples of so many bytes, as fractions of the largest; 8-bit samples are unsigned."""
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return (wide.reshape(-1).view("<i4") / 2**31).astype(np.float32)
    values: Array = np.frombuffer(data, f"<i{width}") / 2 ** (8 * width - 1)
    return values.astype(np.float32)

"""Keyword spotting (kws.keras of MLPerf Tiny) in 12,600 bytes: python -m benchmarks.compression.kws

Self-distillation on speech_commands_300: no speaker of its training and validation splits (249
clips) is in the test set (kws01, made of the test split). Each clip is heard many times, faster or
slower, moved, with noise and half of the time with another clip behind it; the float model says
what it hears, labels are not used. Clips of the validation split, other speakers again, validate.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

TEST, VALIDATION = 0, 1
"""Values of the array `split`."""
KEYWORDS, OTHERS, SEED = 50, 15, 0
"""Copies of each clip of a keyword, and of each other word: of these there are twice as many clips
as of all keywords together.
"""
SILENCES = 500
"""Clips of noise alone: speech_commands_300 has no silence."""
SILENCE, UNKNOWN = 10, 11
"""Classes without keywords."""
TRAINING = """
batch = 32
imitation = 1.0
temperature = 2.0
validation = 0.20305
hold_out = "last"
rate = 0.001
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 14
press = 0.4
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Coefficients, rounded to int8 as those of kws01 are; copies that validate come last."""
    with np.load(folder / "speech_commands_300.npz") as archive:
        audio, split, labels = (archive[key] for key in ("audio", "split", "label12"))
        _require_equal(features(audio), archive["mfcc"])
    with np.load(folder / "kws01.npz") as archive:
        scale, zero = float(archive["x_scale"]), int(archive["x_zero_point"])
        x_test, y_test = archive["x_test"], archive["y_test"]
    rng = np.random.default_rng(SEED)
    held = split == VALIDATION
    parts = [_copies(audio[rows], labels[rows], rng) for rows in (~held & (split != TEST), held)]
    x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    rounded = np.clip(np.trunc(features(x) / scale + zero), -128, 127)
    return {
        "x_train": ((rounded - zero) * scale).astype(np.float32), "y_train": y,
        "x_test": ((x_test.astype(np.int64) - zero) * scale).astype(np.float32), "y_test": y_test,
    }  # fmt: skip


def features(audio: Array) -> Array:
    """MLPerf Tiny's 49 frames of 10 mel-frequency cepstral coefficients, (clips, 49, 10, 1)."""
    x = audio / np.maximum(audio.max(axis=-1, keepdims=True), 1)
    at = np.arange(49)[:, np.newaxis] * 320 + np.arange(480)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)
    bands = _mel_bands()
    spectra = [np.abs(np.fft.rfft(each[at] * window, 512)) for each in x]
    logs = np.log(np.stack(spectra) @ bands + 1e-6)
    angles = np.pi / 40 * (np.arange(40)[:, np.newaxis] + 0.5) * np.arange(10)
    return np.asarray((logs @ np.cos(angles) * np.sqrt(2 / 40))[..., np.newaxis], np.float32)


def _mel_bands() -> Array:
    """Forty triangles from 20 to 4,000 Hz on the mel scale, (257, 40)."""
    edges = np.linspace(*(1127 * np.log1p(np.array([20, 4000]) / 700)), 42)
    places = 1127 * np.log1p(np.linspace(0, 8000, 257) / 700)[:, np.newaxis]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (places - low) / (middle - low), (high - places) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))


def _copies(audio: Array, labels: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The clips themselves, copies of each, and noise."""
    times = np.where(labels == UNKNOWN, OTHERS, KEYWORDS)
    rows = np.repeat(np.arange(len(audio)), times)
    heard = [_with_another(_changed(audio[row], rng), audio, rng) for row in rows]
    share = SILENCES * len(audio) // 249
    noise = [300 * _noise(audio.shape[1], rng) for _ in range(share)]
    found = np.concatenate([audio.astype(np.float64), heard, noise])
    classes = np.concatenate([labels, labels[rows], np.full(share, SILENCE)])
    order = rng.permutation(len(found))
    return found[order], classes[order]


def _changed(clip: Array, rng: np.random.Generator) -> Array:
    """Up to 15 % faster or slower (and higher or lower), moved by up to 0.1 s, with noise."""
    places = (np.arange(clip.size) - clip.size / 2) * rng.uniform(0.85, 1.15) + clip.size / 2
    places += rng.uniform(-1600, 1600)
    found = np.interp(places, np.arange(clip.size), clip, left=0, right=0)
    loud = 10 ** rng.uniform(-2.5, -0.7) * np.abs(found).max()
    return np.asarray(found + loud * _noise(clip.size, rng) / 3)


def _with_another(clip: Array, audio: Array, rng: np.random.Generator) -> Array:
    """With probability 1/2 with another clip behind it, 3 to 20 dB quieter."""
    if rng.random() < 0.5:
        return clip
    other = _changed(audio[rng.integers(len(audio))], rng)
    quieter = 10 ** rng.uniform(-1, -0.15) * np.abs(clip).max() / max(np.abs(other).max(), 1.0)
    return np.asarray(clip + quieter * other)


def _noise(size: int, rng: np.random.Generator) -> Array:
    """Noise of deviation 1, white or with more power at low frequencies."""
    spectrum = np.fft.rfft(rng.normal(size=size)) / np.arange(1, size // 2 + 2) ** rng.uniform(0, 1)
    found = np.fft.irfft(spectrum, size)
    return np.asarray(found / found.std())


def _require_equal(found: Array, expected: Array) -> None:
    error = float(np.abs(found - expected).max())
    if error > 1e-2:
        raise SystemExit(f"The features differ from those of the file by {error:.3g}.")


CASE = Case("kws.keras, kws01", data, "kws.keras", 0, TRAINING, STEPS, (12600,))

if __name__ == "__main__":
    main(CASE)

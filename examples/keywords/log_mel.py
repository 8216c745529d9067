"""What a microphone's samples become before the network sees them, in integers.

log_mel.c does the same arithmetic: training and device agree in every bit. A row of features is the
energy of each band of a window, on a logarithmic scale; rows follow one another by a hop.

Source of the scale: S. Davis and P. Mermelstein, "Comparison of parametric representations for
monosyllabic word recognition", 1980.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
LOG_STEPS = 64


@dataclass(frozen=True)
class LogMel:
    """Logarithmic energies in mel bands of a sound of one second."""

    rate: int
    """Samples a second, in Hz."""
    bands: int = 20
    """Features of a row."""
    lowest: float = 100.0
    """Lower end of the first band, in Hz; the last one ends at half the rate."""

    @property
    def window(self) -> int:
        """Samples of a window: a power of two, of 32 ms at 8 or 16 kHz."""
        return int(2 ** np.round(np.log2(0.032 * self.rate)))

    @property
    def hop(self) -> int:
        """Samples between windows: 20 ms."""
        return self.rate // 50

    @property
    def rows(self) -> int:
        """Windows of a second."""
        return (self.rate - self.window) // self.hop + 1

    @cached_property
    def hann(self) -> Integers:
        """The weights of a window's samples, in 1/32768."""
        angles = 2 * np.pi * np.arange(self.window) / self.window
        return np.minimum(np.round((0.5 - 0.5 * np.cos(angles)) * 32768), 32767).astype(np.int64)

    @cached_property
    def turns(self) -> tuple[Integers, Integers]:
        """Cosines and sines of the Fourier transform, in 1/32768."""
        angles = -2 * np.pi * np.arange(self.window // 2) / self.window
        both = np.round(np.stack([np.cos(angles), np.sin(angles)]) * 32768)
        cosines, sines = np.clip(both, -32767, 32767).astype(np.int64)
        return cosines, sines

    @cached_property
    def edges(self) -> Integers:
        """Where bands begin, have their middle and end, as bins: band i has edges i to i + 2."""
        ends = 2595 * np.log10(1 + np.array([self.lowest, self.rate / 2]) / 700)
        hertz = 700 * (10 ** (np.linspace(*ends, self.bands + 2) / 2595) - 1)
        bins = np.round(hertz * self.window / self.rate).astype(np.int64)
        return np.maximum(bins, bins[0] + np.arange(len(bins)))

    @cached_property
    def logarithms(self) -> Integers:
        """The logarithm of 1 + i / 64 to the base 2, in 1/256."""
        fractions = 1 + np.arange(LOG_STEPS) / LOG_STEPS
        return np.round(np.log2(fractions) * 256).astype(np.int64)

    def of(self, sounds: Integers) -> NDArray[np.int16]:
        """Features, (sounds, rows, bands), of int16 samples, (sounds, rate)."""
        starts = np.arange(self.rows)[:, np.newaxis] * self.hop
        windows = sounds.astype(np.int64)[:, starts + np.arange(self.window)]
        energy = self._energy(((windows * self.hann + 0x4000) >> 15) << 12)
        return self._logarithm(self._in_bands(energy)).astype(np.int16)

    def _energy(self, x: Integers) -> Integers:
        """Of each bin, by a Fourier transform that halves its values at every stage."""
        stages = self.window.bit_length() - 1
        bins = np.arange(self.window)
        order = sum(((bins >> bit) & 1) << (stages - 1 - bit) for bit in range(stages))
        real, imaginary = x[..., order], np.zeros_like(x)
        cosines, sines = self.turns
        for stage in range(stages):
            half = 1 << stage
            turn = np.arange(half) * (self.window // 2 // half)
            c, s = cosines[turn], sines[turn]
            shape = (*x.shape[:-1], -1, 2, half)
            (a, b), (c_a, c_b) = (
                (values.reshape(shape)[..., 0, :], values.reshape(shape)[..., 1, :])
                for values in (real, imaginary)
            )
            turned = ((b * c - c_b * s) >> 15, (b * s + c_b * c) >> 15)
            real, imaginary = (
                np.stack([(low + high) >> 1, (low - high) >> 1], axis=-2).reshape(x.shape)
                for low, high in zip((a, c_a), turned, strict=True)
            )
        half = self.window // 2
        return (real[..., :half] ** 2 + imaginary[..., :half] ** 2) >> 8

    def _in_bands(self, energy: Integers) -> Integers:
        """Energies summed under triangles, each of height 64."""
        return np.stack([energy @ self.triangle(band) for band in range(self.bands)], axis=-1)

    def triangle(self, band: int) -> Integers:
        """The weights of all bins in a band, in 1/64."""
        low, middle, high = (int(edge) for edge in self.edges[band : band + 3])
        weights = np.zeros(self.window // 2, np.int64)
        for index in range(low, min(high, self.window // 2)):
            rising = index < middle
            part, whole = (index - low, middle - low) if rising else (high - index, high - middle)
            weights[index] = 64 * part // whole
        return weights

    def _logarithm(self, energy: Integers) -> Integers:
        """To the base 2, in 1/256; 0 of 0."""
        value = np.maximum(energy, 1)
        whole = sum((value >> bit > 0).astype(np.int64) for bit in range(1, 63))
        six_bits = (value << np.maximum(6 - whole, 0)) >> np.maximum(whole - 6, 0)
        return (whole << 8) + self.logarithms[six_bits - LOG_STEPS]

    def write(self, folder: Path) -> None:
        """The headers that log_mel.c includes: sizes and tables."""
        sizes = {
            "RATE": self.rate, "WINDOW": self.window, "STAGES": self.window.bit_length() - 1,
            "HOP": self.hop, "ROWS": self.rows, "BANDS": self.bands,
        }  # fmt: skip
        cosines, sines = self.turns
        tables = {
            "int16_t hann": self.hann, "int16_t cosines": cosines, "int16_t sines": sines,
            "int16_t edges": self.edges, "uint8_t logarithms": self.logarithms,
        }  # fmt: skip
        defined = [f"#define LOG_MEL_{name} {value}" for name, value in sizes.items()]
        declared = [
            f"static const {name}[{len(values)}] = {{{', '.join(map(str, values))}}};"
            for name, values in tables.items()
        ]
        folder.mkdir(parents=True, exist_ok=True)
        head = "/* Made by log_mel.py. */\n"
        (folder / "log_mel_sizes.h").write_text(head + "\n".join(defined) + "\n")
        (folder / "log_mel_tables.h").write_text(
            head + "#include <stdint.h>\n" + "\n".join(declared) + "\n"
        )

"""Quantization-aware training where int8 alone loses much: a 1-D CNN that takes mel magnitudes of
spoken digits (FSDD) and their logarithm itself: python -m benchmarks.compression.qat

Quiet sounds are a few int8 steps of the input, and the logarithm spreads them over half of its
range. Scores float, post-training int8 and quantization-aware training on the test half.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import SHARED
from benchmarks.compression import fsdd
from benchmarks.compression._case import Case, trained
from tinycomp.common.progress import Silent
from tinycomp.ir.tensor import Array
from tinycomp.options.compress import CompressOptions
from tinycomp.recipes.compression import compress

RATE, WINDOW, HOP, BANDS = 8000, 256, 160, 32
LOWEST = 60.0
"""Hertz."""
QUIET = 1e-4
"""Added before the logarithm; the loudest magnitude is 1."""
RECIPE = """
[training]
epochs = 40
batch = 32
imitation = 0.5
temperature = 2.0
[training.augment]
time_shift = 4
[[steps]]
technique = "int8"
"""


def magnitudes(clips: Array) -> Array:
    """Mel magnitudes (clips, frames, BANDS) of audio (clips, samples)."""
    mels = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (LOWEST, RATE / 2)), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, np.newaxis]
    bank = np.clip(np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)), 0, 1)
    frames = np.lib.stride_tricks.sliding_window_view(clips, WINDOW, axis=1)[:, ::HOP]
    return np.stack([np.abs(np.fft.rfft(each * np.hanning(WINDOW))) @ bank for each in frames])


def data(folder: Path) -> dict[str, Array]:
    """The first second of each recording, the official split."""
    with np.load(folder / "fsdd.npz") as archive:
        audio, offset = archive["audio"], archive["offset"]
        y, test = archive["label"], archive["is_test"]
    clips = np.zeros((len(y), RATE), np.float32)
    for clip, begin, end in zip(clips, offset[:-1], offset[1:], strict=True):
        part = audio[begin : min(end, begin + RATE)]
        clip[: len(part)] = part
    x = magnitudes(clips)
    x = (x / x[~test].max()).astype(np.float32)
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}


def network(shape: tuple[int, ...]) -> Any:
    """The network for spoken digits, after a logarithm and batch normalization."""
    from keras import Input, Model, layers, ops

    source = Input(shape)
    x = layers.BatchNormalization()(ops.log(layers.Rescaling(1.0, offset=QUIET)(source)))
    return Model(source, fsdd.network(shape)(x))


CASE = Case(
    "fsdd, mel magnitudes", data, network, 40, "", "", (), augment={"time_shift": 4}, rate=0.003,
    batch=32,
)  # fmt: skip


def scores(model: Path, data: Path, seed: int) -> tuple[float, float, float]:
    """On the test half: float, post-training int8, quantization-aware training."""
    found = []
    for name, text in (
        ("post_training", '[[steps]]\ntechnique = "post_training"\n'),
        ("int8", RECIPE),
    ):
        recipe = model.with_name(f"{name}.toml")
        recipe.write_text(text)
        options = CompressOptions(model, data, recipe=str(recipe), seed=seed)
        found.append(compress(options, Silent(), lambda _: None))
    assert found[0].real is not None
    small = [each.small.value for each in found if each.small is not None]
    return found[0].real.value, small[0], small[1]


def main() -> None:
    """Print a line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    arrays = data(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            model, file = Path(folder) / "model.keras", Path(folder) / "data.npz"
            np.savez(file, **arrays)
            begin = time.monotonic()
            trained(CASE, arrays, seed, model)
            real, after, during = scores(model, file, seed)
        found = {
            "date": time.strftime("%Y-%m-%d"), "seed": seed, "float": round(real, 4),
            "after training": round(after, 4), "in training": round(during, 4),
            "share of the loss back": round((during - after) / max(real - after, 1e-9), 3),
            "seconds": round(time.monotonic() - begin),
        }  # fmt: skip
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

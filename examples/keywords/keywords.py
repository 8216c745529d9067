"""Words, or other sounds, in one second of audio: python examples/keywords/keywords.py

--audio takes a folder of .wav recordings with a folder for each class, such as Speech Commands;
without it, four whistles are made here. log_mel.py and log_mel.c compute what the network sees.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from log_mel import LogMel
from numpy.typing import NDArray

import tinycomp
from tinycomp.data.formats.wav_folder import read_wav

WHISTLES = ("down", "noise", "trill", "up")
Sounds = tuple[NDArray[np.int16], NDArray[np.int64]]


def whistles(count: int, seed: int, rate: int = 8000) -> Sounds:
    """Samples, (count, rate), and classes, as WHISTLES orders them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(WHISTLES), count)
    seconds = np.arange(rate) / rate - rng.uniform(0.1, 0.4, (count, 1))
    bend = np.select([y == 0, y == 3], [-900.0, 900.0], 0.0)[:, np.newaxis]
    trill = np.where(y == 2, 12.0, 0.0)[:, np.newaxis]
    tone = rng.uniform(900, 2400, (count, 1)) + bend * seconds
    tone = tone + 300 * np.sign(np.sin(2 * np.pi * trill * seconds))
    heard = (seconds > 0) & (seconds < 0.5)
    sound = np.sin(2 * np.pi * np.cumsum(tone, axis=1) / rate) * heard
    sound[y == 1] = 0
    sound = sound + rng.normal(0, 1, sound.shape) * rng.uniform(0.01, 0.15, (count, 1))
    loud = np.round(sound * rng.uniform(500, 8000, (count, 1)))
    return loud.clip(-32768, 32767).astype(np.int16), y


def recordings(folder: Path) -> tuple[Sounds, list[str], int]:
    """The first second of every .wav file, its class, the names of the classes, and the rate."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(path, names.index(path.parent.name)) for path in sorted(folder.glob("*/*.wav"))]
    read = [read_wav(path) for path, _ in files]
    rates = {rate for rate, _ in read}
    if len(rates) != 1:
        raise SystemExit(f"{folder} has recordings of {sorted(rates)} Hz. Expected one rate.")
    (rate,) = rates
    x = np.zeros((len(read), rate), np.int16)
    for row, (_, sound) in enumerate(read):
        mono = np.round(sound[:rate].mean(axis=1) * 32768).clip(-32768, 32767)
        x[row, : len(mono)] = mono
    return (x, np.array([label for _, label in files])), names, rate


def split(sounds: Sounds, seed: int = 0) -> tuple[Sounds, Sounds]:
    """A tenth of the sounds is for the test."""
    x, y = sounds
    chosen = np.random.default_rng(seed).permutation(len(x))
    train, test = chosen[len(x) // 10 :], chosen[: len(x) // 10]
    return (x[train], y[train]), (x[test], y[test])


def louder(x: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Copies moved in time and changed in loudness: a sum, since features are logarithms."""
    rng = np.random.default_rng(seed)
    moved = np.stack([np.roll(each, rng.integers(-5, 6), axis=0) for each in x])
    return (moved + rng.uniform(-4, 4, (len(x), 1, 1))).astype(np.float32)


def network(features: LogMel, classes: int) -> keras.Model:
    """Convolutions over time, on rows of bands."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((features.rows, features.bands)),
            layers.BatchNormalization(),
            layers.Conv1D(24, 5, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Conv1D(32, 5, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.2),
            layers.Dense(classes, activation="softmax"),
        ],
        name="keywords",
    )


def main() -> None:
    """Train, build, test, and write the tables of log_mel.c."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, help="a folder of .wav files by class")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--board", default="host")
    parser.add_argument("-o", "--output", type=Path, default=Path("keywords-out"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    if options.audio is None:
        (sounds, names, rate) = whistles(1200, seed=0), list(WHISTLES), 8000
    else:
        sounds, names, rate = recordings(options.audio)
    features = LogMel(rate)
    train, test = split(sounds)
    x, x_test = (features.of(each).astype(np.float32) / 256 for each in (train[0], test[0]))

    model = network(features, len(names))
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    copies = np.concatenate([x, *(louder(x, seed) for seed in range(3))])
    model.fit(copies, np.tile(train[1], 4), epochs=options.epochs, batch_size=64, verbose=0)

    data = {"x_train": x, "y_train": train[1], "x_test": x_test, "y_test": test[1]}
    build = tinycomp.build(model, {**data, "class_names": names}, board=options.board)
    saved = build.save(options.output)
    features.write(options.output / "features")
    test[0][0].astype("<i2").tofile(options.output / "sound.raw")
    print(f"float: {build.report.accuracy.float:.1%}")
    print(f"int8: {build.report.accuracy.int8:.1%}")
    print(f"arena: {build.report.ram.arena} bytes")
    print(f"sound.raw: {names[int(test[1][0])]}")
    print(f"Wrote {saved}")


if __name__ == "__main__":
    main()

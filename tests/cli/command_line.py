"""The command line in this process, and a small model without TensorFlow."""

from __future__ import annotations

import re
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_models import Layers, small_classifier

from tinycomp import pipeline
from tinycomp.cli.main import main
from tinycomp.cli.terminal_progress import PLAIN_END
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.options.build import Preparation
from tinycomp.quantization.export import write_tflite
from tinycomp.target.boards import load_board

SAMPLES = 12
_LARGE = 1 << 26


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Standard output as one line, because terminals wrap it."""
        return " ".join(self.out.split())


Command = Callable[..., Done]
Refusal = Callable[..., str]


def write_trained(folder: Path, features: int, distance: float, units: int) -> None:
    """A trained model.keras, and the data.npz of its two classes.

    Args:
        folder: where to write them.
        features: values of a sample.
        distance: of both classes from 0.
        units: of the hidden layer.
    """
    import keras

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 320)
    x = rng.normal(0, 1, (320, features)) + distance * (2 * y[:, None] - 1)
    x = x.astype(np.float32)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:256], y[:256], epochs=4, verbose=0)
    with warnings.catch_warnings():  # Keras uses what NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(folder / "model.keras")
    np.savez(folder / "data.npz", x_train=x[:256], y_train=y[:256], x_test=x[256:], y_test=y[256:])


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals must leave the working folder as it is: one where nothing else writes."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, containing model.tflite and data.npz."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


def write_files(folder: Path) -> None:
    graph = small_classifier()
    (folder / "model.tflite").write_bytes(write_tflite(graph))
    quantization = graph.tensors["input"].quantization
    assert quantization is not None
    rng = np.random.default_rng(5)
    x = rng.integers(-128, 128, (SAMPLES, 6, 5, 3)) - quantization.zero_point
    real = np.float32(quantization.scale) * x.astype(np.float32)
    names = np.array(["no", 'say "yes"', "C:\\%s", "*/", "ä"])
    np.savez(folder / "data.npz", x=real, y=rng.integers(0, 5, SAMPLES), class_names=names)


def write_large(path: Path) -> None:
    """A model of 40,000 weights."""
    layers = Layers((200,))
    layers.dense("input", 200)
    path.write_bytes(write_tflite(layers.graph()))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line."""

    def command(*arguments: object) -> Done:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["tinycomp", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        done = capfd.readouterr()
        return Done(code, done.out, done.err)

    return command


@pytest.fixture
def refusal(run: Command) -> Refusal:
    """Runs a wrong command line; returns the error, which must be one paragraph.

    Nothing may be written to files or to standard output. Lines that announce stages don't count.
    """

    def refused(*arguments: object, notes: int = 0, code: int = 2) -> str:
        before = tree(Path())
        done = run(*arguments)
        assert done.code == code, done
        assert done.out == ""
        assert "Traceback" not in done.err
        lines = [line for line in done.err.splitlines() if line.strip()]
        lines = [line for line in lines if not line.endswith(PLAIN_END)]
        assert len(lines) == 1 + notes, done.err
        assert lines[-1].startswith("Error: ")
        assert tree(Path()) == before
        return lines[-1].removeprefix("Error: ")

    return refused


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, with their contents; of large ones, with size and time."""
    return {str(path.relative_to(folder)): _content(path) for path in folder.rglob("*")}


def _content(path: Path) -> bytes:
    if not path.is_file():
        return b""
    stat = path.stat()
    if stat.st_size > _LARGE:
        return f"{stat.st_size} bytes, {stat.st_mtime_ns} ns".encode()
    return path.read_bytes()


def _build(folder: Path, board: str, *, run: bool) -> Path:
    write_files(folder)
    wanted = Preparation(folder / "model.tflite", folder / "data.npz", codebook_bits=3)
    options = pipeline.BuildOptions(wanted, board, folder / "out", verify=run, bench=run)
    pipeline.build(options, Silent())
    return folder / "out"


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build for this computer, without verification."""
    return _build(tmp_path_factory.mktemp("host"), "host", run=False)


@pytest.fixture(scope="session")
def emulated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build for the emulated Cortex-M4, with verification and benchmark."""
    return _build(tmp_path_factory.mktemp("m4"), "cortex-m4", run=True)


@pytest.fixture
def built(built_once: Path, folder: Path) -> Path:
    """The current folder with model.tflite, data.npz and a build in out/ that tests may modify."""
    shutil.copytree(built_once, folder / "out")
    return folder


@pytest.fixture
def emulated(emulated_once: Path, folder: Path) -> Path:
    """The same with a build for the emulated Cortex-M4."""
    shutil.copytree(emulated_once, folder / "out")
    return folder


needs_gcc = pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
_ABSENT = firmware_build.missing(load_board("cortex-m4"))
needs_m4 = pytest.mark.skipif(_ABSENT is not None, reason=f"no emulated cortex-m4: {_ABSENT}")


def change(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text(), count=1)
    assert count == 1, f"{path} has no {pattern}"
    path.write_text(text)

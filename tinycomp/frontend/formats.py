"""The kinds of model files, by the ends of their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph


@dataclass(frozen=True)
class Format:
    """A kind of model file."""

    suffixes: tuple[str, ...]
    """Ends of file names."""
    read: Callable[[Path], Graph]
    """The graph of a file; imports what is slow."""


def _keras(path: Path) -> Graph:
    from tinycomp.frontend.keras import read_keras

    return read_keras(path)


def _onnx(path: Path) -> Graph:
    from tinycomp.frontend.onnx import read_onnx

    return read_onnx(path)


def _saved_model(path: Path) -> Graph:
    from tinycomp.frontend.saved_model import read_saved_model

    return read_saved_model(path)


def _torch(path: Path) -> Graph:
    from tinycomp.frontend.torch import read_torch

    return read_torch(path)


def _tflite(path: Path) -> Graph:
    from tinycomp.frontend.tflite import read_tflite

    return read_tflite(path)


FORMATS = (
    Format((".keras", ".h5", ".hdf5"), _keras),
    Format((".onnx",), _onnx),
    Format((".pt2", ".pt", ".pth"), _torch),
    Format((".tflite",), _tflite),
)
"""By the ends of file names, in the order in which messages name them."""
_FOLDER = Format((), _saved_model)
_LARGEST = 1 << 32
"""Bytes of a model file: far beyond any microcontroller."""
_LFS = b"version https://git-lfs"
_PICKLED = (
    "Loading a pickled file could run code. Save a scikit-learn model with "
    "skl2onnx.to_onnx(model, x[:1]), one of PyTorch with torch.onnx.export, one of Keras with "
    "model.save('model.keras')."
)
_WEIGHTS = (
    "Weights alone do not say the layers. Save the whole model: model.save('model.keras') in "
    "Keras, torch.onnx.export in PyTorch."
)
_INSTEAD = {
    ".pb": "Name the folder of a SavedModel; a frozen graph becomes .onnx by python -m "
    "tf2onnx.convert --graphdef.",
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".sav"), _PICKLED),
    **dict.fromkeys((".bin", ".ckpt", ".index", ".npz", ".safetensors"), _WEIGHTS),
}
"""By the end of a file's name, what to save instead."""


def format_of(path: Path) -> Format:
    """The kind of a model file.

    Raises:
        ModelError: there is no such file, or it is of another kind.
    """
    require_model(path)
    if is_saved_model(path):
        return _FOLDER
    for each in FORMATS:
        if path.suffix in each.suffixes:
            return each
    known = [suffix for each in FORMATS for suffix in each.suffixes]
    raise ModelError(
        f"'{path}' is not a supported kind of model.",
        expected=f"Expected {', '.join(known[:-1])} or {known[-1]}.",
        hint=_INSTEAD.get(path.suffix, "Save a Keras model with model.save('model.keras')."),
    )


def is_saved_model(path: Path) -> bool:
    """Whether a path is a folder with a TensorFlow SavedModel."""
    return (path / "saved_model.pb").is_file()


def require_model(path: Path) -> None:
    """Refuse a model file that does not exist or is none at first sight, and a folder that holds no
    model.

    Raises:
        ModelError: it does not exist, or is such a folder, a pointer of Git LFS, or too large.
    """
    if path.is_dir() and not is_saved_model(path):
        below = sorted(each.parent for each in path.glob("*/saved_model.pb"))
        raise ModelError(
            f"'{path}' is a folder, not a model.",
            expected="Expected a model file, or a SavedModel: a folder with saved_model.pb in it.",
            hint=f"Name the folder '{below[0]}'." if below else "Name the file in the folder.",
        )
    if not path.is_file() and not is_saved_model(path):
        raise ModelError(f"There is no model file '{path}'.", hint="Check the path.")
    for file in (path, path / "saved_model.pb"):
        if file.is_file():
            _require_content(file)


def _require_content(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            pointer = file.read(len(_LFS)) == _LFS
    except OSError as error:
        raise ModelError(f"The model {path} can't be read: {error.strerror}.") from error
    if pointer:
        raise ModelError(
            f"'{path}' is a pointer of Git LFS, not the model itself.", hint="Run git lfs pull."
        )
    if size > _LARGEST:
        raise ModelError(
            f"'{path}' is larger than 4 GB.", expected="Expected a model for microcontrollers."
        )

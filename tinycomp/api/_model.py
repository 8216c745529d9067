"""The kinds of models that Python programs have, as files."""

from __future__ import annotations

import io
import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinycomp.common.errors import ModelError

if TYPE_CHECKING:
    from tinycomp.api.built import Build

Model = str | os.PathLike[str] | bytes | Any
"""The path of a model file, its bytes, a Keras model, an onnx.ModelProto, a Build, or what
tinycomp.compress returns.
"""

_EXPECTED = (
    "Expected the path of a model file, its bytes, a Keras model, an onnx.ModelProto, or what "
    "tinycomp.build and tinycomp.compress return."
)
_UNNAMED = "model"


def model_file(model: Model, scratch: Path) -> Path:
    """The model as a file: its own, or one in the scratch folder.

    Raises:
        ModelError: it is nothing of that, or can't be saved.
    """
    if isinstance(model, str | os.PathLike):
        return Path(model)
    from tinycomp.api.built import Build
    from tinycomp.recipes.compression import Compressed

    if isinstance(model, Build):
        return _written(scratch, model.report.model.name, ".tflite", _read(model))
    if isinstance(model, Compressed):
        return _written(scratch, model.prepared.graph.name, ".tflite", model.tflite)
    if isinstance(model, bytes | bytearray | memoryview):
        content = bytes(model)
        return _written(scratch, _UNNAMED, _suffix(content), content)
    kinds = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if kinds & {"keras", "tf_keras"} and hasattr(model, "save"):
        return _saved(model, scratch)
    if "onnx" in kinds and hasattr(model, "SerializeToString"):
        name = getattr(getattr(model, "graph", None), "name", "")
        return _written(scratch, name, ".onnx", model.SerializeToString())
    if "torch" in kinds:
        raise ModelError(
            f"A PyTorch model ({type(model).__name__}) is not read from memory.",
            hint="Save it first: torch.export.save(torch.export.export(model, (x,)), 'model.pt2').",
        )
    raise ModelError(f"The model is of type {type(model).__name__}.", expected=_EXPECTED)


def _read(build: Build) -> bytes:
    from tinycomp.proof.assembly import MODEL_NAME

    return (build.folder / MODEL_NAME).read_bytes()


def _saved(model: Any, scratch: Path) -> Path:
    """A Keras model saved by itself."""
    path = scratch / f"{_plain(model.name)}.keras"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(path)
    except Exception as error:  # Keras raises any type for what it can't write
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"Keras can't save the model {model.name!r}: {reason}",
            hint="Save it yourself with model.save('model.keras'), and give that path.",
        ) from error
    return path


def _written(scratch: Path, name: str, suffix: str, content: bytes) -> Path:
    path = scratch / f"{_plain(name)}{suffix}"
    path.write_bytes(content)
    return path


def _plain(name: str) -> str:
    """A model's name as that of a file; it names the library too."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or _UNNAMED


def _suffix(content: bytes) -> str:
    """What a file of this content is called.

    Raises:
        ModelError: it is of no known kind.
    """
    if content[4:8] == b"TFL3":
        return ".tflite"
    if content.startswith(b"\x89HDF"):
        return ".h5"
    if content.startswith(b"PK"):
        return ".keras" if "config.json" in _members(content) else ".pt2"
    if content.startswith(b"\x08"):  # the version of the format, ONNX's first field
        return ".onnx"
    raise ModelError(
        f"{len(content):,} bytes are of no known kind of model.",
        expected="Expected the content of a .tflite, .keras, .h5, .onnx or .pt2 file.",
    )


def _members(content: bytes) -> list[str]:
    try:
        return zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile:
        return []

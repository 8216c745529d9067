"""Reads PyTorch's own model files by way of ONNX: torch.export (.pt2) and TorchScript (.pt).

Pickled modules and weights are refused: unpickling runs code, and weights alone say no layers.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Shape

_OPSET = 18
_EXPORT = (
    "Export it where its classes are known: torch.onnx.export(model.eval(), (example,), "
    "'model.onnx'), or torch.export.save(torch.export.export(model.eval(), (example,)), 'm.pt2')."
)

Kind = Literal["program", "script"]


def read_torch(path: Path) -> Graph:
    """The float graph of a file of torch.export or torch.jit; the graph has the file's name.

    Raises:
        ModelError: the file is damaged, of another kind, or pickled; PyTorch is not installed or
            can't export the model; it has unsupported parts.
    """
    kind = _kind(path)
    torch = _import_torch()
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
        target = Path(folder) / f"{path.stem}.onnx"
        with _quiet():
            try:
                _program(torch, path, target) if kind == "program" else _script(torch, path, target)
            except ModelError:
                raise
            except Exception as error:  # PyTorch raises any type
                reason = " ".join(str(error).split())[:300]
                raise ModelError(
                    f"PyTorch can't export {path} to ONNX: {reason}", hint=_EXPORT
                ) from error
        return replace(read_onnx(target), name=path.stem)


def _kind(path: Path) -> Kind:
    """Which kind of archive it is, by the names in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] or name for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path} is no archive of torch.export or torch.jit: it is pickled by an early "
            "PyTorch, or damaged.",
            hint=_EXPORT,
        ) from error
    if any(name.startswith("models/") or "exported_program" in name for name in names):
        return "program"
    if any(name.startswith("code/") for name in names):
        return "script"
    raise ModelError(
        f"{path} holds pickled weights or a pickled module: loading it could run code, and weights "
        "alone do not say the layers.",
        expected="Expected a file of torch.export.save or torch.jit.save, or .onnx.",
        hint=_EXPORT,
    )


def _import_torch() -> Any:
    try:
        import onnxscript  # noqa: F401
        import torch
    except ImportError as error:
        raise ModelError(
            f"Reading a file of PyTorch takes {error.name!r}, which is not installed.",
            hint="pip install 'tinycomp[torch]', or export the model with torch.onnx.export.",
        ) from error
    return torch


def _program(torch: Any, path: Path, target: Path) -> None:
    program = torch.export.load(str(path))
    torch.onnx.export(program, dynamo=True, opset_version=_OPSET, verbose=False).save(str(target))


def _script(torch: Any, path: Path, target: Path) -> None:
    shape = _traced_shape(path)
    module = torch.jit.load(str(path), map_location="cpu").eval()
    torch.onnx.export(
        module, (torch.zeros(shape),), str(target), dynamo=False, opset_version=17, verbose=False
    )


class _Shapes(pickle.Unpickler):
    """Reads the shapes of pickled tensors, and imports nothing."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.found: list[Shape] = []

    def find_class(self, module: str, name: str) -> Any:
        """A function that notes the shape of a tensor."""
        return self._note if name.startswith("_rebuild_tensor") else lambda *_: None

    def persistent_load(self, key: Any) -> None:
        """Values are not needed."""

    def _note(self, storage: Any, offset: int, size: Shape, *rest: Any) -> None:
        self.found.append(tuple(int(each) for each in size))


def _traced_shape(path: Path) -> Shape:
    """The shape of the input with which a module was traced.

    Raises:
        ModelError: the file has none (scripted modules), or several.
    """
    shapes: list[Shape] = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("traced_inputs.pkl"):
                reader = _Shapes(archive.read(name))
                with contextlib.suppress(Exception):  # what can't be read is told below
                    reader.load()
                shapes = reader.found
    if len(shapes) != 1:
        raise ModelError(
            f"The TorchScript file {path} does not say the shape of its input"
            f"{'s' if shapes else ''}.",
            expected="Expected a module traced with one example input.",
            hint=_EXPORT,
        )
    return shapes[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings, and none of the exporter's progress on the terminal."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stderr(io.StringIO()):
            yield

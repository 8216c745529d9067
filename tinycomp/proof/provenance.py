"""Records what a build was made of."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.data.dataset import Dataset
from tinycomp.report.record import ProvenanceRecord
from tinycomp.target.boards import Board
from tinycomp.target.toolchain import gcc_version, is_available

_PACKAGES = {
    "numpy": "numpy",
    "ai_edge_litert": "ai-edge-litert",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "onnx": "onnx",
    "torch": "torch",
}
"""Packages that can change a result, by the module that shows that they are in use."""
_WITHOUT_EFFECT = ("output", "force", "library_only", "board", "command")
"""Options that don't change what is built, or that the report has elsewhere."""


def provenance(
    options: Any, board: Board, dataset: Dataset | None, command: str | None
) -> ProvenanceRecord:
    """The inputs, options and tools of a build.

    Args:
        options: a dataclass of options, with others in its fields.
        board: has the compiler.
        dataset: the samples, if there are any.
        command: as typed.
    """
    compiler = board.compiler
    return ProvenanceRecord(
        command,
        dict(sorted(_changed(options))),
        None if dataset is None else _hash(dataset),
        dict(_versions()),
        gcc_version(compiler) if is_available(compiler) else None,
    )


def _changed(options: Any) -> Iterator[tuple[str, Any]]:
    """The fields that are not defaults, of nested dataclasses too."""
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in _WITHOUT_EFFECT:
            continue
        if is_dataclass(value):
            yield from _changed(value)
        elif value != field.default and value is not None:
            yield field.name, value if isinstance(value, int | float | bool) else _name(value)


def _name(value: object) -> str:
    """A value as text: files without their folders, which differ from computer to computer."""
    return value.name if isinstance(value, Path) else str(value)


def _hash(dataset: Dataset) -> str:
    """SHA-256 of all samples and labels, whatever kind of file they were in."""
    digest = hashlib.sha256()
    labels = [half for each in dataset.outputs.values() for half in (each.y, each.y_test)]
    for array in (dataset.x, dataset.y, dataset.x_test, dataset.y_test, *labels):
        if array is not None:
            digest.update(f"{array.dtype.str} {array.shape} ".encode())
            plain = array if array.dtype != object else array.astype(str)
            digest.update(np.ascontiguousarray(plain).tobytes())
    return digest.hexdigest()


def _versions() -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    for module, package in _PACKAGES.items():
        if module in sys.modules:
            try:
                yield package, version(package)
            except PackageNotFoundError:  # another distribution of the same module
                continue

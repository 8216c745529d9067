"""The state of a training in a file, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import OutputError, TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array

_KEY = "fingerprint"


def fingerprint(graph: Graph, x: Array, targets: Array, *options: Any) -> str:
    """Identifies a training: its model, data and options."""
    digest = hashlib.sha256()
    for name in sorted(graph.constants):
        digest.update(name.encode() + np.ascontiguousarray(graph.constants[name].values).tobytes())
    for values in (x, targets):
        digest.update(repr((values.shape, values.dtype)).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    digest.update(repr((graph.nodes, options)).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state."""

    path: Path
    """An .npz."""
    fingerprint: str
    """Of the training."""

    def read(self) -> dict[str, Array] | None:
        """The state; None where there is none yet.

        Raises:
            TinycompError: the file is damaged, or of another training.
        """
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                state = dict(archive)
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise TinycompError(
                f"The checkpoint '{self.path}' can't be read: {error}.",
                hint="Remove it to train from the start.",
            ) from error
        if str(state.pop(_KEY, "")) != self.fingerprint:
            raise TinycompError(
                f"The checkpoint '{self.path}' is of another training: model, data or options "
                "differ.",
                hint="Name another file, or remove it to train from the start.",
            )
        return state

    def write(self, state: dict[str, Array]) -> None:
        """Replace the file.

        Raises:
            OutputError: it can't be written; the old one stays.
        """
        beside = self.path.with_name(f".{self.path.name}.part")
        arrays: dict[str, Any] = {**state, _KEY: np.array(self.fingerprint)}
        try:
            with beside.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise OutputError(
                f"The checkpoint '{self.path}' can't be written: {error.strerror}.",
                hint="Make room on the disk; the last complete checkpoint is kept.",
            ) from error

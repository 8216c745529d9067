"""Training checkpoints, written atomically."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import OutputError, TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array

_KEY = "fingerprint"


def fingerprint(graph: Graph, arrays: Sequence[Array], *options: Any) -> str:
    """A hash of the model, the data and the options of a training run."""
    digest = hashlib.sha256()
    for name in sorted(graph.constants):
        digest.update(name.encode() + np.ascontiguousarray(graph.constants[name].values).tobytes())
    for values in arrays:
        digest.update(repr((values.shape, values.dtype)).encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    digest.update(repr((graph.nodes, options)).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """The file that stores the state of a training run."""

    path: Path
    """An .npz file."""
    fingerprint: str
    """Identifies the training run, see `fingerprint`."""

    def read(self) -> dict[str, Array] | None:
        """The stored state, or None if the file does not exist yet.

        Raises:
            TinycompError: the file is damaged, or belongs to another training run.
        """
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                state = dict(archive)
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise TinycompError(
                f"The checkpoint '{self.path}' can't be read: {error}.",
                hint="Delete it to train from the start.",
            ) from error
        if str(state.pop(_KEY, "")) != self.fingerprint:
            raise TinycompError(
                f"The checkpoint '{self.path}' belongs to another training run: model, data or "
                "options differ.",
                hint="Name another file, or delete it to train from the start.",
            )
        return state

    def write(self, state: dict[str, Array]) -> None:
        """Replace the file atomically.

        Raises:
            OutputError: it can't be written; the previous checkpoint is kept.
        """
        temporary = self.path.with_name(f".{self.path.name}.part")
        arrays: dict[str, Any] = {**state, _KEY: np.array(self.fingerprint)}
        try:
            with temporary.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise OutputError(
                f"The checkpoint '{self.path}' can't be written: {error.strerror}.",
                hint="Free some disk space; the last complete checkpoint is kept.",
            ) from error

"""Reads the configuration of a .keras or .h5 file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py

from tinycomp.common.errors import ModelError

_ZIP, _HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_SAVE_WHOLE = "Save the whole model with model.save('model.keras')."
_ACCEPTED = "Expected a Keras model (.keras or .h5)."
_DAMAGED = "Copy or save the file again."
_LARGEST_CONFIG, _LARGEST_FILE = 1 << 26, 1 << 32
"""Maximum bytes of a configuration and of all unpacked files: 64 MB and 4 GB, far beyond any model
for a microcontroller.
"""


@dataclass(frozen=True)
class KerasFile:
    """A model file with a readable container."""

    path: Path
    """The file."""
    suffix: Literal[".keras", ".h5"]
    """Of the content's format, whatever the file's name."""
    config: Mapping[str, Any]
    """The model's configuration."""
    version: str
    """That of Keras which wrote it, "2.15.0"; empty if the file does not say."""


def open_keras(path: Path) -> KerasFile:
    """Read a file's configuration.

    Raises:
        ModelError: there is no such file, it is damaged, or it is no Keras model.
    """
    if path.is_dir():
        raise ModelError(
            f"{path} is a folder (a SavedModel?).", expected=_ACCEPTED, hint=_SAVE_WHOLE
        )
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelError(
            f"The model {path} can't be read: {error.strerror}.", expected=_ACCEPTED
        ) from error
    if not start:
        raise ModelError(f"The model {path} is empty.", expected=_ACCEPTED, hint=_DAMAGED)
    if start.startswith(_ZIP):
        config = _parse(path, _archive_config(path))
        return KerasFile(path, ".keras", config, _archive_version(path))
    if start.startswith(_HDF5):
        config = _parse(path, _hdf5_config(path))
        return KerasFile(path, ".h5", config, _hdf5_version(path))
    raise ModelError(f"{path} is neither a .keras archive nor an HDF5 file.", expected=_ACCEPTED)


def _archive_config(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            _require_sizes(path, archive)
            damaged = archive.testzip()
            names = set(archive.namelist())
            if damaged is None and "config.json" in names:
                return archive.read("config.json")
    except ModelError:
        raise
    except Exception as error:  # zipfile and its decompressors raise more than a dozen types
        raise ModelError(f"The archive {path} is damaged: {error}.", hint=_DAMAGED) from error
    if damaged is not None:
        raise ModelError(
            f"The archive {path} is damaged: {damaged} fails its checksum.", hint=_DAMAGED
        )
    what = (
        "a zipped SavedModel"
        if any(n.endswith("saved_model.pb") for n in names)
        else "no Keras model"
    )
    raise ModelError(
        f"The archive {path} is {what}: it has no config.json.",
        expected=_ACCEPTED,
        hint=_SAVE_WHOLE,
    )


def _archive_version(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        try:
            return str(json.loads(archive.read("metadata.json"))["keras_version"])
        except (KeyError, ValueError, TypeError):
            return ""


def _require_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that unpacks to more than a model needs, before any of it is unpacked."""
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    config, whole = sizes.get("config.json", 0), sum(sizes.values())
    if config > _LARGEST_CONFIG or whole > _LARGEST_FILE:
        raise ModelError(
            f"The archive {path} unpacks to {whole:,} bytes, its config.json to {config:,}.",
            expected=f"Expected at most {_LARGEST_FILE:,}, and {_LARGEST_CONFIG:,}.",
            hint=_SAVE_WHOLE,
        )


def _hdf5_config(path: Path) -> bytes | str:
    try:
        with h5py.File(path, "r") as file:
            config = file.attrs.get("model_config")
            weights = "model_weights" in file
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(
            f"The HDF5 file {path} is damaged or cut off: {error}.", hint=_DAMAGED
        ) from error
    if config is None or not weights:
        raise ModelError(
            f"{path} holds weights only, or no Keras model at all: it does not say the layers.",
            hint=_SAVE_WHOLE,
        )
    return config if isinstance(config, bytes | str) else str(config)


def _hdf5_version(path: Path) -> str:
    with h5py.File(path, "r") as file:
        version = file.attrs.get("keras_version", "")
    return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)


def _parse(path: Path, text: bytes | str) -> Mapping[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"The configuration in {path} is not JSON: {error}.", hint=_DAMAGED
        ) from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(
            f"The configuration in {path} describes no model.", expected=_ACCEPTED, hint=_SAVE_WHOLE
        )
    return config

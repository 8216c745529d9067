"""Reads arrays from an untrusted .npz: nothing in it is executed, and memory is allocated only for
what the file really contains.

The format is that of numpy.lib.format in a zip archive.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.formats._format import DataFormat
from tinycomp.data.source import Source, UnreadableError
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions

EXPECTED = "Expected an .npz archive as numpy.savez writes it."
_SUFFIX = ".npy"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DEFLATE_RATIO = 1040
"""Deflate expands one byte to at most 1,032."""
_ENCRYPTED = 1
"""A flag bit of a zip member."""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Header:
    """The header of an array."""

    shape: Shape
    """Declared by the file, not checked."""
    dtype: np.dtype[np.generic]
    """The type of its values."""
    start: int
    """The offset of its values in the member, in bytes."""


class Archive(Source):
    """An .npz."""

    def __init__(self, path: Path, infos: list[zipfile.ZipInfo]) -> None:
        super().__init__()
        self.path = path
        self._loaded: dict[str, Array] = {}
        self._members = {
            info.filename.removesuffix(_SUFFIX): info
            for info in infos
            if info.filename.endswith(_SUFFIX)
        }
        self._strangers = [i.filename for i in infos if not i.filename.endswith(_SUFFIX)]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays."""
        return tuple(self._members)

    @property
    def listing(self) -> str:
        """Its contents as text."""
        odd = (f"{name} (not an {_SUFFIX} file)" for name in self._strangers)
        return ", ".join((*self.names, *odd)) or "nothing"

    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements; False if it can't be read."""
        try:
            return prod(self._header(name).shape) == 0
        except UnreadableError:
            return False

    def load(self, name: str) -> Array:
        """One array.

        Raises:
            UnreadableError: it is damaged, or not what numpy.savez writes for plain values.
        """
        if name not in self._loaded:
            header = self._header(name)
            self._check_size(name, header)
            with self._reading(name) as file:
                self._loaded[name] = np.lib.format.read_array(file, allow_pickle=False)
                file.read(1)  # past the end, which checks the CRC
        return self._loaded[name]

    def _header(self, name: str) -> Header:
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableError(f"Array {name!r} is encrypted. Save it without a password.")
        if info.compress_type not in _METHODS:
            raise UnreadableError(
                f"Array {name!r} is compressed by method {info.compress_type} of zip. "
                "Expected what numpy.savez or numpy.savez_compressed writes."
            )
        with self._reading(name) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise UnreadableError(
                    f"Array {name!r} is of version {version} of the .npy format. "
                    "Expected plain numbers or strings, version (1, 0)."
                )
            shape, _, dtype = _HEADERS[version](file)
            start = file.tell()
        if dtype.hasobject:
            raise UnreadableError(
                f"Array {name!r} holds Python objects, which are not loaded. "
                f"Expected numbers or strings: np.array({name}.tolist())."
            )
        return Header(shape, dtype, start)

    def _check_size(self, name: str, header: Header) -> None:
        """Refuse an array whose declared size does not match the file."""
        info = self._members[name]
        declared = prod(header.shape) * header.dtype.itemsize
        held = info.file_size - header.start
        if min(header.shape, default=0) < 0 or declared != held:
            raise UnreadableError(
                f"Array {name!r} declares the shape {header.shape} of {header.dtype}, "
                f"{declared:,} bytes, but the file holds {held:,}. Save it again."
            )
        packed = info.compress_type == zipfile.ZIP_DEFLATED
        if info.file_size > info.compress_size * (_DEFLATE_RATIO if packed else 1) + 64:
            raise UnreadableError(
                f"Array {name!r} declares {declared:,} bytes, more than {info.compress_size:,} "
                "bytes in the archive can make. Save it again."
            )

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        """Open the member; any error while reading means that the file is damaged."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self._members[name]) as file:
                yield file
        except UnreadableError:
            raise
        except MemoryError as error:
            raise UnreadableError(f"Array {name!r} does not fit into memory.") from error
        except Exception as error:  # zipfile, zlib and NumPy's parser raise more than a dozen kinds
            raise UnreadableError(
                f"Array {name!r} can't be read ({_reason(error)}). "
                "Expected numbers as numpy.savez writes them."
            ) from error


class Npz(DataFormat):
    """Arrays in an archive of numpy.savez."""

    described = "an .npz of numpy.savez"

    def accepts(self, path: Path) -> bool:
        """By its name."""
        return path.suffix.lower() == ".npz" and path.is_file()

    def open(self, path: Path, options: DataOptions) -> Source:
        """Its arrays.

        Raises:
            DataError: it is not an archive, or can't be read.
        """
        try:
            with path.open("rb") as file:
                start = file.read(len(np.lib.format.MAGIC_PREFIX))
            if start == np.lib.format.MAGIC_PREFIX:
                raise DataError(
                    f"{str(path)!r} holds a single array.",
                    expected=EXPECTED,
                    hint="Rename it to .npy, or write it with np.savez(path, x=array).",
                )
            with zipfile.ZipFile(path) as archive:
                return Archive(path, archive.infolist())
        except DataError:
            raise
        except OSError as error:
            raise DataError(f"{str(path)!r} can't be read: {error.strerror}.") from error
        except Exception as error:  # for a damaged directory zipfile raises more than BadZipFile
            raise DataError(
                f"{str(path)!r} is not an .npz archive.",
                expected=EXPECTED,
                hint=f"({_reason(error)})",
            ) from error


def _reason(error: Exception) -> str:
    """The first line of an error's text, cut to a readable length."""
    text = (str(error) or type(error).__name__).splitlines()[0]
    return text if len(text) <= 100 else f"{text[:99]}…"

"""Reads a folder of images, one folder for each class: resized to the model's input, grey or in
colour as that is, values 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinycomp.common.errors import DataError, ToolError
from tinycomp.data.formats._folders import ClassFolders, FolderSource, holds, read_folders
from tinycomp.data.formats._format import DataFormat
from tinycomp.data.source import Source, UnreadableError
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's modes by channels."""
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Modes with more than 8 bits, which a conversion would clip."""


class ImageFolder(DataFormat):
    """Images by class."""

    described: ClassVar[str] = "a folder of images by class"

    def accepts(self, path: Path) -> bool:
        """By the names of files in it."""
        return holds(path, SUFFIXES)

    def open(self, path: Path, options: DataOptions) -> Source:
        """Their names and classes; images are read when the model's input is known.

        Raises:
            ToolError: Pillow is not installed.
            DataError: a class has no images, class names are others, or the first image can't be
                read.
        """
        pillow = _pillow()
        found = read_folders(path, SUFFIXES, options.class_names)
        try:
            with pillow.open(found.first) as image:
                image.load()
        except Exception as error:  # Pillow's parsers raise many kinds
            raise DataError(_unreadable(found.first, error)) from error
        return Images(found)


class Images(FolderSource):
    """The classes of images."""

    def fitted(self, shape: Shape) -> Source:
        """With the images in the size of the model's input.

        Raises:
            UnreadableError: that is no image's.
        """
        size = _image_shape(shape)
        return self.with_inputs(partial(_read_all, size=size), _size_note(self.found, size))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ToolError(
            "Images are read by Pillow, which is not installed.",
            hint="Run: pip install 'tinycomp[images]'",
        ) from None
    return Image


def _image_shape(shape: Shape) -> tuple[int, int, int]:
    """Height, width and channels of an input.

    Raises:
        UnreadableError: it is no image.
    """
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3 or shape[2] not in _MODES:
        raise UnreadableError(
            f"The model's input has the shape {shape}, which is no image's. "
            "Expected (height, width, channels) with 1, 3 or 4 channels. "
            "Convert the images to arrays yourself, and save them with numpy.savez."
        )
    return shape[0], shape[1], shape[2]


def _read_all(files: Sequence[Path], size: tuple[int, int, int]) -> Array:
    """uint8 (images, height, width, channels).

    Raises:
        UnreadableError: a file is damaged, or has more than 8 bits a value.
    """
    values = np.empty((len(files), *size), np.uint8)
    pillow = _pillow()
    for row, path in enumerate(files):
        try:
            with pillow.open(path) as image:
                values[row] = _pixels(image, path, size)
        except UnreadableError:
            raise
        except Exception as error:  # Pillow's parsers raise many kinds
            raise UnreadableError(_unreadable(path, error)) from error
    return values


def _pixels(image: Image, path: Path, size: tuple[int, int, int]) -> Array:
    from PIL import Image, ImageOps

    if image.mode in _DEEP:
        raise UnreadableError(
            f"Image {str(path)!r} has more than 8 bits a value (mode {image.mode}). "
            "Expected 8 bits. Convert it, or save the images' arrays with numpy.savez."
        )
    upright = ImageOps.exif_transpose(image).convert(_MODES[size[2]])
    if upright.size != (size[1], size[0]):
        upright = upright.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(upright, np.uint8).reshape(size)


def _size_note(found: ClassFolders, size: tuple[int, int, int]) -> list[str]:
    """What is done with images of another size or shape than the input's."""
    with _pillow().open(found.first) as image:
        width, height = image.size
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}[size[2]]
    count = sum(len(half.files) for half in found.halves)
    note = f"{count} images are read as {kind} of {size[1]} x {size[0]}, values 0 to 255"
    if (width, height) != (size[1], size[0]):
        note += f" (resized with bilinear filtering; {found.first.name} is {width} x {height})"
    if width * size[0] != height * size[1]:
        note += "; proportions are not kept"
    return [f"{note}. --input-scale and --input-offset make of them what training saw."]


def _unreadable(path: Path, error: Exception) -> str:
    reason = (str(error) or type(error).__name__).splitlines()[0][:100]
    return f"Image {str(path)!r} can't be read ({reason}). Expected an image file."

"""Windows over a batch of images (batch, height, width, channels), as views."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._window import Window


def window_output(name: str, window: Window, shape: Shape) -> tuple[int, int]:
    """Output height and width for an input shape (height, width, channels).

    Raises:
        ModelError: the input is not an image, or is smaller than the window.
    """
    if len(shape) != 3:
        raise ModelError(
            f"{name} reads a tensor of shape {shape}.", expected="Expected height, width, channels."
        )
    height, width = window.output((shape[0], shape[1]))
    if height < 1 or width < 1:
        raise ModelError(
            f"{name} has a window of {window.span[0]}x{window.span[1]}, larger than its input of "
            f"{shape[0]}x{shape[1]}.",
            hint='Use padding="same" or a smaller kernel.',
        )
    return height, width


def padded(images: Array, window: Window, value: int) -> Array:
    """The images with the window's padding."""
    top, left, bottom, right = window.padding
    if not any(window.padding):
        return images
    borders = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(images, borders, constant_values=value)


def taps(images: Array, window: Window, output: tuple[int, int]) -> Iterator[Array]:
    """The input of each window cell: views (batch, output height, output width, channels).

    Cells come row by row; images are padded already.
    """
    for ky in range(window.kernel[0]):
        for kx in range(window.kernel[1]):
            y, x = ky * window.dilation[0], kx * window.dilation[1]
            y_end = y + (output[0] - 1) * window.stride[0] + 1
            x_end = x + (output[1] - 1) * window.stride[1] + 1
            yield images[:, y : y_end : window.stride[0], x : x_end : window.stride[1]]


def patches(images: Array, window: Window, output: tuple[int, int]) -> Array:
    """All windows: (batch, output height, output width, kernel height * width * channels)."""
    if window.kernel == (1, 1):
        return next(taps(images, window, output))
    return np.concatenate(list(taps(images, window, output)), axis=-1)

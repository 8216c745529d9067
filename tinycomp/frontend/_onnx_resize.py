"""Resize and Upsample of ONNX: as TFLite's operator where that takes the same cells, else by the
places of the cells themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_moves import picked
from tinycomp.frontend._onnx_views import View, view
from tinycomp.ir.tensor import Array
from tinycomp.ops.resize_bilinear import ResizeBilinear
from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor

_ROUNDED: Mapping[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _resize(call: Call) -> View:
    """Height and width of an image, or a length, by a scale or to a size."""
    x = call.view()
    mode = call.attribute("mode", "nearest")
    shape, scales = _target(call, x)
    changed = [axis for axis, size in enumerate(shape) if size != x.shape[axis]]
    if not changed:
        return x
    if mode == "nearest":
        return _nearest(call, x, shape, scales)
    if mode == "linear" and set(changed) <= {2, 3} and len(shape) in (3, 4):
        return _linear(call, x, shape, scales)
    raise call.refusal(
        f"resizes axes {changed} of {x.shape} in mode {mode!r}",
        expected="Expected 'nearest', or 'linear' for height and width.",
    )


def _target(call: Call, x: View) -> tuple[tuple[int, ...], list[float]]:
    """The output's shape, and the scale of each axis."""
    if call.node.kind == "Upsample" or call.opset < 11:
        given = call.attribute("scales")
        known = call.required(1, "scales") if given is None else np.array(given)
        scales, sizes = [float(each) for each in known.ravel()], None
    else:
        known_scales, known_sizes = call.constant(2, "scales"), call.constant(3, "sizes")
        scales = [] if known_scales is None else [float(each) for each in known_scales.ravel()]
        sizes = None if known_sizes is None or not known_sizes.size else known_sizes.ravel()
    axes = call.axes(call.attribute("axes") or list(range(len(x.shape))), len(x.shape))
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch" or len(scales if sizes is None else sizes) != len(axes):
        raise call.refusal(
            f"keeps the aspect ratio ({policy}), or names no size",
            expected="Expected sizes or scales.",
        )
    shape, found = list(x.shape), [1.0] * len(x.shape)
    for place, axis in enumerate(axes):
        if sizes is None:
            found[axis] = scales[place]
            shape[axis] = int(np.floor(x.shape[axis] * scales[place]))
        else:
            shape[axis] = int(sizes[place])
            found[axis] = shape[axis] / x.shape[axis]
    if min(shape) < 1:
        raise call.refusal(f"resizes {x.shape} to {tuple(shape)}")
    return tuple(shape), found


def _nearest(call: Call, x: View, shape: tuple[int, ...], scales: list[float]) -> View:
    """Copies of the cells that ONNX names, by one operator where height and width grow evenly."""
    even = all(
        np.array_equal(_places(call, x.shape[axis], size, scales[axis]),
                       np.arange(size) * x.shape[axis] // size)
        for axis, size in enumerate(shape)
    )  # fmt: skip
    if even and len(shape) in (3, 4) and shape[:2] == x.shape[:2]:
        image = (*shape[2:], 1)[:2]
        source = (*x.shape[2:], 1)[:2]
        order = (0, *range(2, len(shape)), 1)
        name = call.weaver.take(x, order, (*source, x.shape[1]))
        name = call.add(ResizeNearestNeighbor((image[0], image[1])), [name])
        return view(name, shape, order)
    for axis, size in enumerate(shape):
        if size != x.shape[axis]:
            places = _places(call, x.shape[axis], size, scales[axis])
            x = picked(call, x, axis, [int(each) for each in places], f"axis{axis}")
    return x


def _places(call: Call, source: int, target: int, scale: float) -> Array:
    """The cell that each cell of the output copies."""
    cells = np.arange(target)
    usual = "half_pixel" if call.opset >= 11 and call.node.kind == "Resize" else "asymmetric"
    mode = call.attribute("coordinate_transformation_mode", usual)
    rounding = "round_prefer_floor" if usual == "half_pixel" else "floor"
    rounding = call.attribute("nearest_mode", rounding)
    if mode in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"):
        places = (cells + 0.5) / scale - 0.5
        if mode == "pytorch_half_pixel" and target == 1:
            places = np.zeros(1)
    elif mode == "align_corners":
        places = cells * (source - 1) / max(target - 1, 1)
    elif mode == "asymmetric":
        places = cells / scale
    else:
        raise call.refusal(
            f"compares cells by {mode!r}", expected="Expected half_pixel or align_corners."
        )
    found: Array = np.clip(_ROUNDED[rounding](np.round(places, 9)), 0, source - 1)
    return found.astype(np.int64)


def _linear(call: Call, x: View, shape: tuple[int, ...], scales: list[float]) -> View:
    usual = "half_pixel" if call.opset >= 11 and call.node.kind == "Resize" else "asymmetric"
    mode = call.attribute("coordinate_transformation_mode", usual)
    known = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
    shrinks = any(size < old for size, old in zip(shape, x.shape, strict=True))
    if mode not in known or (call.attribute("antialias", 0) and shrinks):
        raise call.refusal(
            f"compares cells by {mode!r}, or blurs before it shrinks",
            expected=f"Expected one of {', '.join(known)}, without antialias.",
        )
    pairs = list(zip(shape, x.shape, scales, strict=True))
    if any(abs(size - old * scale) > 1e-3 for size, old, scale in pairs) or (
        mode == "pytorch_half_pixel" and any(size == 1 < old for size, old, _ in pairs)
    ):
        raise call.refusal(
            f"resizes {x.shape} to {shape} by the scales {scales}",
            expected="Expected scales that give whole sizes, of more than one cell.",
        )
    order = (0, *range(2, len(shape)), 1)
    target, source = (*shape[2:], 1)[:2], (*x.shape[2:], 1)[:2]
    name = call.weaver.take(x, order, (*source, x.shape[1]))
    op = ResizeBilinear(
        (target[0], target[1]), mode == "align_corners", mode.endswith("half_pixel")
    )
    return view(call.add(op, [name]), shape, order)


RESIZES: Mapping[str, Reader] = {"Resize": _resize, "Upsample": _resize}
"""By operator."""

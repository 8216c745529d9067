"""Convolutions and poolings of ONNX: windows with explicit padding, in one or two dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tinycomp.frontend._convolutions import Channels, Transposed, grouped, transposed
from tinycomp.frontend._onnx_call import Call, Reader
from tinycomp.frontend._onnx_views import View, channels_last
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Pair, Window
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.gather import Gather
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.strided_slice import StridedSlice


@dataclass(frozen=True)
class _Maker:
    """Names nodes and constants after the node of the file."""

    call: Call
    """The node."""
    sums: Array
    """The bias of all its output channels."""

    def add(self, op: Operator, inputs: Sequence[str], part: str) -> str:
        """A node."""
        return self.call.add(op, inputs, part)

    def weights(self, values: Array, channels: Channels, part: str) -> str:
        """Weights of some channels."""
        known = self.call.grid(1) if self.call.node.kind == "Conv" else None
        scales = known[channels] if known is not None and len(known) > 1 else known
        return self.call.weight(f"{part}/kernel", values, scales)

    def bias(self, channels: Channels, part: str) -> str:
        """Their bias."""
        return self.call.weight(f"{part}/bias", self.sums[channels])


class _Image(NamedTuple):
    """A tensor (batch, channels, height, width), or without a width."""

    name: str
    """The tensor (height, width, channels)."""
    size: Pair
    """Height and width; a length has width 1."""
    channels: int
    """Its channels."""
    flat: bool
    """Whether it is a length, not an image."""


def _image(call: Call, x: View) -> _Image:
    rank = len(x.shape)
    if rank not in (3, 4) or x.shape[0] != 1:
        raise call.refusal(
            f"has an input of shape {x.shape}",
            expected="Expected a batch of 1, channels, and one or two axes.",
        )
    size = (x.shape[2], x.shape[3] if rank == 4 else 1)
    name = call.weaver.take(x, channels_last(rank), (*size, x.shape[1]))
    return _Image(name, size, x.shape[1], rank == 3)


def _output(call: Call, image: _Image, name: str) -> View:
    """The tensor (height, width, channels) as ONNX sees it."""
    height, width, channels = call.weaver.shape(name)
    shape = (1, channels, height) if image.flat else (1, channels, height, width)
    return call.result(name, shape, channels_last(len(shape)))


def _pair(call: Call, name: str, image: _Image, default: int = 1) -> Pair:
    values = call.attribute(name) or [default] * (1 if image.flat else 2)
    return (int(values[0]), 1 if image.flat else int(values[1]))


def _window(call: Call, image: _Image, kernel: Pair) -> Window:
    """The node's strides, dilations and padding, as cells before and behind."""
    stride, dilation = (_pair(call, key, image) for key in ("strides", "dilations"))
    mode = call.attribute("auto_pad", "NOTSET")
    window = Window.make("valid", image.size, kernel, stride, dilation)
    if mode == "NOTSET":
        pads = [int(each) for each in call.attribute("pads") or [0, 0, 0, 0]]
        if image.flat:
            pads = [pads[0], 0, pads[1], 0]
        window = replace(window, padding=(pads[0], pads[1], pads[2], pads[3]))
    elif mode != "VALID":
        same = Window.make("same", image.size, kernel, stride, dilation).padding
        if mode == "SAME_LOWER":
            same = (same[2], same[3], same[0], same[1])
        window = replace(window, padding=same)
    if min(window.output(image.size)) < 1 or min(window.padding) < 0:
        raise call.refusal(
            f"has a window of {window.span} cells over an input of {image.size} with the padding "
            f"{window.padding} (top, left, bottom, right)",
            expected="Expected a window that fits.",
        )
    return window


def _bias(call: Call, channels: int) -> Array:
    known = call.constant(2, "a bias")
    return np.zeros(channels, np.float32) if known is None else known.astype(np.float32)


def _convolution(call: Call) -> View:
    """Weights (out, in of a group, height, width)."""
    image = _image(call, call.view())
    weights = call.required(1, "weights")
    kernel = weights[..., np.newaxis] if image.flat else weights
    groups = int(call.attribute("group", 1))
    if kernel.ndim != 4 or kernel.shape[1] * groups != image.channels:
        raise call.refusal(
            f"has weights of shape {weights.shape} over {image.channels} channels in {groups} "
            "groups",
            expected="Expected weights (out, in of a group, height, width).",
        )
    window = _window(call, image, (kernel.shape[2], kernel.shape[3]))
    values = np.ascontiguousarray(kernel.transpose(0, 2, 3, 1))
    make = _Maker(call, _bias(call, len(values)))
    if groups > 1:
        shape = (*image.size, image.channels)
        return _output(
            call, image, grouped(make, image.name, values, window, shape, Activation.NONE)
        )
    constants = [call.weight("kernel", values, call.grid(1)), call.weight("bias", make.sums)]
    return _output(call, image, call.add(Conv2D(window), [image.name, *constants]))


def _transposed_convolution(call: Call) -> View:
    """Weights (in, out of a group, height, width)."""
    image = _image(call, call.view())
    weights = call.required(1, "weights")
    kernel = weights[..., np.newaxis] if image.flat else weights
    groups = int(call.attribute("group", 1))
    if _pair(call, "dilations", image) != (1, 1) or kernel.ndim != 4:
        raise call.refusal(
            f"has dilations {call.attribute('dilations')} and weights of shape {weights.shape}",
            expected="Expected dilations of 1, and weights (in, out of a group, height, width).",
        )
    layer = _transposed_layer(call, image, (kernel.shape[2], kernel.shape[3]))
    values = kernel.transpose(1, 2, 3, 0)  # out of a group, height, width, in
    sums = _bias(call, values.shape[0] * groups)
    if groups == 1:
        name = transposed(_Maker(call, sums), image.name, values, layer)
        return _output(call, image, name)
    own, each = image.channels // groups, values.shape[0]
    parts = []
    for group in range(groups):
        cells = ((0, image.size[0], 1), (0, image.size[1], 1), (group * own, own, 1))
        piece = call.add(StridedSlice(cells), [image.name], f"group{group}/input")
        inner = replace(call, name=call.part(f"group{group}"))
        make = _Maker(inner, sums[group * each : (group + 1) * each])
        kernels = values[..., group * own : (group + 1) * own]
        parts.append(transposed(make, piece, kernels, layer))
    return _output(call, image, call.add(Concatenation(2), parts))


def _transposed_layer(call: Call, image: _Image, kernel: Pair) -> Transposed:
    """ONNX's rules for the size of the result and what is cut off."""
    stride = _pair(call, "strides", image)
    more = _pair(call, "output_padding", image, 0) if not image.flat else (
        (call.attribute("output_padding") or [0])[0], 0,
    )  # fmt: skip
    wanted = call.attribute("output_shape")
    mode = call.attribute("auto_pad", "NOTSET")
    pads = [int(each) for each in call.attribute("pads") or [0, 0, 0, 0]]
    if image.flat:
        pads = [pads[0], 0, pads[1], 0]
    before, target = [], []
    for axis in (0, 1):
        whole = (image.size[axis] - 1) * stride[axis] + kernel[axis] + more[axis]
        if mode == "NOTSET" and not wanted:
            before.append(pads[axis])
            target.append(whole - pads[axis] - pads[2 + axis])
            continue
        sizes = [*wanted[-(1 if image.flat else 2) :], 1] if wanted else None
        size = sizes[axis] if sizes else image.size[axis] * stride[axis]
        if mode == "VALID":
            size = whole
        total = max(0, whole - size)
        upper = mode == "SAME_UPPER"
        before.append(total // 2 if upper else total - total // 2)
        target.append(size)
    if min(target) < 1:
        raise call.refusal(f"has an output of {target} cells")
    return Transposed(stride, (before[0], before[1]), image.size, (target[0], target[1]))


def _pooled(call: Call) -> tuple[_Image, Window]:
    """The input and the window, longer at the end where the output's size is rounded up."""
    image = _image(call, call.view())
    window = _window(call, image, _pair(call, "kernel_shape", image))
    if window.dilation != (1, 1):
        raise call.refusal(
            f"has dilations {call.attribute('dilations')}",
            expected="Expected a pooling without gaps.",
        )
    if not call.attribute("ceil_mode", 0) or call.attribute("auto_pad", "NOTSET") != "NOTSET":
        return image, window
    padding = list(window.padding)
    for axis in (0, 1):
        size, step = image.size[axis], window.stride[axis]
        whole = size + padding[axis] + padding[2 + axis] - window.kernel[axis]
        count = -(-whole // step) + 1
        if (count - 1) * step >= size + padding[axis]:
            count -= 1  # a window behind the last cell does not count
        padding[2 + axis] += (count - 1) * step - whole
    cut = [max(0, each) for each in padding]
    return image, replace(window, padding=(cut[0], cut[1], cut[2], cut[3]))


def _max_pool(call: Call) -> View:
    """Cells of the padding don't count: behind values that can't be negative they are zeros, else
    copies of the border's cells, which are in the same windows.
    """
    if len([name for name in call.node.outputs if name]) > 1:
        raise call.refusal(
            "returns the places of its maxima", expected="Expected the maxima alone."
        )
    image, window = _pooled(call)
    name, (top, left, bottom, right) = image.name, window.padding
    if window.scheme((*image.size, image.channels)) is None:
        if _not_negative(call, name):
            pads = ((top, bottom), (left, right), (0, 0))
            name = call.add(Pad(pads), [name], "padded")
        else:
            for axis, (before, behind) in enumerate(((top, bottom), (left, right))):
                name = _repeat_border(call, name, axis, before, behind)
        window = replace(window, padding=(0, 0, 0, 0))
    return _output(call, image, call.add(MaxPool2D(window), [name]))


def _not_negative(call: Call, name: str) -> bool:
    """Whether a tensor's values are known to be at least zero."""
    node = call.weaver.producer(name)
    if node is not None and isinstance(node.op, Concatenation | MaxPool2D):
        return all(_not_negative(call, each) for each in node.inputs)
    return node is not None and isinstance(node.op, Relu | Logistic)


def _repeat_border(call: Call, name: str, axis: int, before: int, behind: int) -> str:
    if not before and not behind:
        return name
    size = call.weaver.shape(name)[axis]
    places = np.clip(np.arange(-before, size + behind), 0, size - 1)
    op = Gather(tuple(int(place) for place in places), axis)
    return call.add(op, [name], f"border{axis}")


def _average_pool(call: Call) -> View:
    """Padding that counts is a Pad of zeros; other padding, where TFLite has none like it, too,
    and means over fewer cells are corrected by a factor for each place.
    """
    image, window = _pooled(call)
    shape = (*image.size, image.channels)
    own = call.attribute("pads") or [0, 0, 0, 0]
    counted = bool(call.attribute("count_include_pad", 0)) and any(own)
    if window.scheme(shape) is not None and not counted:
        return _output(call, image, call.add(AveragePool2D(window), [image.name]))
    top, left, bottom, right = window.padding
    name = call.add(Pad(((top, bottom), (left, right), (0, 0))), [image.name], "padded")
    inner = replace(window, padding=(0, 0, 0, 0))
    factors = _corrections(call, image, window, counted)
    if factors is None:
        return _output(call, image, call.add(AveragePool2D(inner), [name]))
    means = call.add(AveragePool2D(inner), [name], "means")
    whole = np.broadcast_to(factors[..., np.newaxis], call.weaver.shape(means))
    return _output(call, image, call.add(Mul(), [means, call.weight("factors", whole)]))


def _corrections(call: Call, image: _Image, window: Window, counted: bool) -> Array | None:
    """Cells of a window, over those that count at each place; None if they are equal."""
    inside = np.ones(image.size)
    top, left, bottom, right = window.padding
    if counted:
        pads = [int(each) for each in call.attribute("pads")]
        own = (pads[0], 0, pads[1], 0) if image.flat else tuple(pads)
        inside = np.pad(inside, ((own[0], own[2]), (own[1], own[3])), constant_values=1)
        top, left, bottom, right = (
            max(0, more - mine) for more, mine in zip(window.padding, own, strict=True)
        )
    inside = np.pad(inside, ((top, bottom), (left, right)))
    cells = np.lib.stride_tricks.sliding_window_view(inside, window.kernel)
    counts = cells[:: window.stride[0], :: window.stride[1]].sum(axis=(2, 3))
    factors: Array = math.prod(window.kernel) / counts
    return None if np.all(factors == 1) else factors


def _global(kind: type[Mean] | type[ReduceMax]) -> Reader:
    def read(call: Call) -> View:
        image = _image(call, call.view())
        return _output(call, image, call.add(kind(keep_dims=True), [image.name]))

    return read


CONVOLUTIONS: Mapping[str, Reader] = {
    "AveragePool": _average_pool,
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "GlobalAveragePool": _global(Mean),
    "GlobalMaxPool": _global(ReduceMax),
    "MaxPool": _max_pool,
}
"""By operator."""

"""What is said where a library has the channels of a model's input or output behind."""

from __future__ import annotations

from tinycomp.ir.tensor import Shape


def channels_note(verb: str, what: str, name: str, own: Shape, shape: Shape) -> str:
    """A note on an input or output.

    Args:
        verb: "takes" or "returns".
        what: "Input" or "Output".
        name: the tensor's.
        own: its shape in the file, without the batch.
        shape: its shape in the library.
    """
    return f"{what} {name!r} has channels in front, {own}: the library {verb} them behind, {shape}."

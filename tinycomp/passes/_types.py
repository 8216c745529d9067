"""The type of several tensors that become one row of values."""

from __future__ import annotations

from collections.abc import Sequence

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Tensor


def one_type(what: str, parts: Sequence[Tensor]) -> str:
    """The type of all of them.

    Args:
        what: "inputs" or "outputs", for the error.
        parts: the tensors.

    Raises:
        ModelError: they differ.
    """
    types = {part.dtype for part in parts}
    if len(types) > 1:
        raise ModelError(
            f"The {what} have different types: "
            f"{', '.join(f'{part.name!r} is {part.dtype}' for part in parts)}.",
            expected="Expected 8 bits for all of them, or 16.",
            hint="Quantize the layers beside them alike.",
        )
    return types.pop()

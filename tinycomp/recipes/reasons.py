"""Why a recipe has not made a model smaller, or as small as it was to."""

from __future__ import annotations

from tinycomp.options.build import Optimize
from tinycomp.report.record import StepRecord

SMALLER = 0.98
"""The share of the bytes of int8 alone below which a model counts as smaller."""
_FEWER = 0.95
"""The same for bits per weight."""
_MORE, _ROUNDED = 1.15, 0.05
"""The factor, and the bits beyond, up to which a step has reached its bits per weight."""


def why_more_bits(wanted: float, after: StepRecord) -> str | None:
    """The note on a step `rate` that left clearly more bits per weight than it was to; else None.

    Args:
        wanted: its option `bits`.
        after: the result of the step.
    """
    if after.bits <= _MORE * wanted + _ROUNDED:
        return None
    return (
        f"The weights carry {after.bits:.2f} bits each, and the step asks for {wanted:g}: the "
        "training has too few steps to get there. Train longer (--epochs), or use a smaller batch."
    )


def why_not_smaller(before: StepRecord, after: StepRecord, optimize: Optimize) -> str | None:
    """The note on constants that take as many bytes as int8 alone, with what to do; None if they
    take fewer.

    Args:
        before: the model in int8, without any step.
        after: the result of the recipe.
        optimize: the goal of the builds that were measured.
    """
    if after.constants < SMALLER * before.constants:
        return None
    return (
        f"The constants take {after.constants:,} bytes, and {before.constants:,} in int8 alone: "
        + _reason(before, after, optimize)
    )


def _reason(before: StepRecord, after: StepRecord, optimize: Optimize) -> str:
    bits = f"{after.bits:.2f} bits instead of {before.bits:.2f}"
    if after.bits > _FEWER * before.bits:
        return (
            f"the weights carry {bits} each, and none of the steps asks for fewer. Use --recipe "
            "balanced or tiny, --target-bytes, or a step with fewer bits (docs/recipes.md)."
        )
    if optimize != "flash":
        return (
            f"the weights carry {bits} each, but to decode them takes more time than --optimize "
            f"{optimize} allows. Use --optimize flash."
        )
    return (
        f"the weights carry {bits} each, but there are so few ({after.parameters:,} parameters) "
        "that tables and biases outweigh what this saves. Build the model without compression."
    )

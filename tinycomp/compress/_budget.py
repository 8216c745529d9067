"""A budget of multiply-accumulates: how little has to change for a model to stay within it."""

from __future__ import annotations

from collections.abc import Callable

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph

_HALVINGS = 20


def require_share(macs: float | None) -> None:
    """Check the option `macs` of a technique.

    Raises:
        TinycompError: it is not a share.
    """
    if macs is not None and not 0 < macs <= 1:
        raise TinycompError(
            f"macs = {macs:g} is not a share of multiply-accumulates.",
            expected="Expected 0 < macs <= 1; 0.5 leaves half of them.",
        )


def least_share(
    graph: Graph, smaller: Callable[[float], Graph], macs: float, most: float, what: str
) -> float:
    """The least that must be taken so that at most the share `macs` of the work is left.

    Args:
        graph: to make smaller.
        smaller: the graph without a share of something, more work with less of it.
        macs: the share of the multiply-accumulates that may stay.
        most: the largest share to take.
        what: what `most` is a share of, for messages: "of their channels".

    Raises:
        TinycompError: not even `most` is enough.
    """
    before = graph.cost().macs
    low, high, left = 0.0, most, smaller(most).cost().macs
    if left > macs * before:
        raise TinycompError(
            f"macs = {macs:g} can't be reached: with {most:.0%} {what} gone, "
            f"{left / before:.1%} of the multiply-accumulates are left.",
            hint="Ask for less, or take another technique for the rest.",
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if smaller(middle).cost().macs <= macs * before:
            high = middle
        else:
            low = middle
    return high

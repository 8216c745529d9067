"""A budget of multiply-accumulates: the smallest change with which a model meets it."""

from __future__ import annotations

from collections.abc import Callable

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph

_HALVINGS = 20


def require_share(macs: float | None) -> None:
    """Check the option `macs` of a technique.

    Raises:
        TinycompError: it is not in (0, 1].
    """
    if macs is not None and not 0 < macs <= 1:
        raise TinycompError(
            f"macs = {macs:g} is not a share of multiply-accumulates.",
            expected="Expected 0 < macs <= 1; 0.5 keeps half of them.",
        )


def least_share(
    graph: Graph, smaller: Callable[[float], Graph], macs: float, most: float, what: str,
    hint: str = "",
) -> float:  # fmt: skip
    """The smallest share to remove so that at most the share `macs` of the work remains.

    Args:
        graph: the graph to reduce.
        smaller: returns the graph with a share of something removed; the work falls with the share.
        macs: the share of multiply-accumulates that may remain.
        most: the largest share to remove.
        what: what `most` is a share of, for messages: "of the channels".
        hint: what to do if it is not enough; by default to increase macs.

    Raises:
        TinycompError: removing `most` is not enough.
    """
    before = graph.cost().macs
    low, high, left = 0.0, most, smaller(most).cost().macs
    if left > macs * before:
        raise TinycompError(
            f"macs = {macs:g} can't be reached: with {most:.0%} {what} removed, "
            f"{left / before:.1%} of the multiply-accumulates remain.",
            hint=hint or "Increase macs, or combine this technique with another one.",
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if smaller(middle).cost().macs <= macs * before:
            high = middle
        else:
            low = middle
    return high

"""Checks of amounts to reach, which Python programs may give as any number."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.common.errors import TinycompError


def require_amounts(accuracy: float | None, others: Mapping[str, float | None]) -> None:
    """Check that limits and targets are possible.

    Args:
        accuracy: the lowest accuracy, if it was given.
        others: sizes and counts by option; None: not given.

    Raises:
        TinycompError: one is out of range.
    """
    if accuracy is not None and not 0 <= accuracy <= 1:
        raise TinycompError(
            f"--min-accuracy {accuracy:g} is not possible.",
            expected="Expected a share from 0 to 1, such as 0.97.",
        )
    for option, value in others.items():
        if value is not None and not value > 0:
            raise TinycompError(
                f"{option} {value:g} is not possible.", expected="Expected a number above 0."
            )

"""All that stands in the way of a model, collected, so that one error names everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tinycomp.common.errors import ModelError

SHOWN = 30
"""Reasons that one error spells out."""


@dataclass
class Blockers:
    """Reasons why one model can't be built, in the order in which they were found.

    subject: what they stand in the way of, as a sentence's subject: "'x.tflite'".
    """

    subject: str
    reasons: list[ModelError] = field(default_factory=list)

    def add(self, reason: ModelError) -> None:
        """Note a reason, once."""
        if str(reason) not in map(str, self.reasons):
            self.reasons.append(reason)

    @contextmanager
    def collected(self, where: str = "") -> Iterator[None]:
        """Note what the block raises, instead of stopping at it; `where` goes in front."""
        try:
            yield
        except ModelError as error:
            what = f"{where}: {error.what}" if where else error.what
            self.add(ModelError(what, expected=error.expected, hint=error.hint))

    def raise_any(self) -> None:
        """Nothing, if there is no reason.

        Raises:
            ModelError: the one reason, or a list of all.
        """
        if len(self.reasons) == 1:
            raise self.reasons[0]
        if self.reasons:
            lines = [f"{i}. {reason}" for i, reason in enumerate(self.reasons[:SHOWN], 1)]
            rest = len(self.reasons) - SHOWN
            if rest > 0:
                lines.append(f"... and {rest} more.")
            count = len(self.reasons)
            raise ModelError(
                "\n".join([f"{self.subject} can't be built for {count} reasons:", *lines])
            )

"""Collects all reasons why a model can't be built, so that one error lists them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tinycomp.common.errors import ModelError

SHOWN = 30
"""The most reasons that an error lists."""


class SeveralReasonsError(ModelError):
    """A model can't be built for several reasons."""

    def __init__(self, text: str, reasons: Sequence[ModelError]) -> None:
        """Keep the reasons.

        Args:
            text: all of them, as a list.
            reasons: each by itself.
        """
        super().__init__(text)
        self.reasons = tuple(reasons)


def reasons_of(error: ModelError) -> tuple[str, ...]:
    """The texts of all reasons that an error names."""
    found = error.reasons if isinstance(error, SeveralReasonsError) else (error,)
    return tuple(str(each) for each in found)


@dataclass
class Blockers:
    """Reasons why a model can't be built, in the order in which they were found."""

    subject: str
    """The thing that can't be built, as the subject of a sentence: "'x.tflite'"."""
    reasons: list[ModelError] = field(default_factory=list)
    """Without repetitions."""

    def add(self, reason: ModelError) -> None:
        """Add a reason, unless it is there already."""
        if str(reason) not in map(str, self.reasons):
            self.reasons.append(reason)

    @contextmanager
    def collected(self, where: str = "") -> Iterator[None]:
        """Collect a ModelError that the block raises, with `where` in front, and go on."""
        try:
            yield
        except ModelError as error:
            what = f"{where}: {error.what}" if where else error.what
            self.add(ModelError(what, expected=error.expected, hint=error.hint))

    def raise_any(self) -> None:
        """Raise what was collected, if anything.

        Raises:
            ModelError: the only reason, or a list of all.
        """
        if len(self.reasons) == 1:
            raise self.reasons[0]
        if self.reasons:
            lines = [f"{i}. {reason}" for i, reason in enumerate(self.reasons[:SHOWN], 1)]
            rest = len(self.reasons) - SHOWN
            if rest > 0:
                lines.append(f"... and {rest} more.")
            count = len(self.reasons)
            text = "\n".join([f"{self.subject} can't be built for {count} reasons:", *lines])
            raise SeveralReasonsError(text, self.reasons)

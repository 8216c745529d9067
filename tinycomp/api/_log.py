"""Progress as records of Python's logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tinycomp.common.progress import Advance

LOGGER = logging.getLogger("tinycomp")


class Logged:
    """Notes are warnings of the logger "tinycomp", which Python shows by default; stages are
    infos.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int = 0) -> Iterator[Advance]:
        """Log the title."""
        LOGGER.info(title)
        yield lambda _: None

    def status(self, text: str) -> None:
        """Log it for debugging."""
        LOGGER.debug(text)

    def note(self, text: str) -> None:
        """Log the line, and keep it."""
        self.notes.append(text)
        LOGGER.warning(text)

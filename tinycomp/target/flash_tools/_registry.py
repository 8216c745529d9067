"""Finds the tools: every public module defines one subclass of FlashTool."""

from __future__ import annotations

from functools import cache

import tinycomp.target.flash_tools
from tinycomp.target.flash_tools._tool import FlashTool
from tinycomp.target.tables import tables_of


@cache
def flash_tools() -> dict[str, type[FlashTool]]:
    """The tools by name, in alphabetical order."""
    found = tables_of(tinycomp.target.flash_tools)
    return {name: kind for name, kind in found.items() if issubclass(kind, FlashTool)}

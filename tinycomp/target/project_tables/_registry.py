"""Finds the tables of the kinds of projects."""

from __future__ import annotations

from functools import cache

import tinycomp.target.project_tables
from tinycomp.target.section import Section
from tinycomp.target.tables import tables_of


@cache
def project_tables() -> dict[str, type[Section]]:
    """The tables by name, in alphabetical order."""
    return tables_of(tinycomp.target.project_tables)

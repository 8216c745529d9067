"""Base class of all tables of a board file."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of a board file: no unknown keys, no implicit conversions, immutable. Fields are
    described by their docstrings, which messages quote.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@cache
def field_texts(section: type[Section]) -> dict[str, str]:
    """The docstrings of a table's fields, inherited ones too. They are read from the source when a
    message quotes one: pydantic would read all of them whenever tinycomp starts.
    """
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, Section):
            found |= _own_texts(kind)
    return found


def _own_texts(section: type[Section]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        before.target.id: inspect.cleandoc(after.value.value)
        for before, after in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }

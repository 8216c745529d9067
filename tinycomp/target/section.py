"""Base class of all tables of a board file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of a board file: no unknown keys, no implicit conversions, immutable. Fields are
    described by their docstrings, which messages quote.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )

"""Renders templates: undefined names raise, nothing is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import jinja2

from tinycomp.common import resources
from tinycomp.emit.c_syntax import c_string


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["c_string"] = c_string
    return environment


def render(template: str, context: Mapping[str, object]) -> str:
    """The text of one template (a path below templates/)."""
    return _environment().get_template(template).render(**context)

"""Renders templates: undefined names are errors, nothing is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import jinja2

from tinycomp.common import resources
from tinycomp.emit.build_syntax import make_words, markdown, one_line, shell_word
from tinycomp.emit.c_syntax import c_comment, c_string


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
    for quoting in (c_comment, c_string, make_words, markdown, one_line, shell_word):
        environment.filters[quoting.__name__] = quoting
    return environment


def render(template: str, context: Mapping[str, object]) -> str:
    """The text of one template (a path below templates/)."""
    return _environment().get_template(template).render(**context)

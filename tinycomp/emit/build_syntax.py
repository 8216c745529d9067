"""Quoting of user values in build files and READMEs: shell words, make values, Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, and without a backslash at its
    end, which would continue the line.
    """
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).rstrip("\\").strip()


def make_words(words: str | Iterable[str]) -> str:
    """Words of a shell command in a Makefile, quoted for both make and the shell."""
    listed = [words] if isinstance(words, str) else words
    quoted = " ".join(shlex.quote(one_line(word)) if word else "" for word in listed)
    return quoted.replace("$", "$$").replace("#", "\\#")


def shell_word(text: str) -> str:
    """One word of a shell command in a README's code span."""
    return shlex.quote(one_line(text).replace("`", ""))


def markdown(text: str) -> str:
    """Text escaped for Markdown, except underscores inside words, which have no meaning there."""
    escaped = re.sub(r"([\\`*{}\[\]<>#|~&])", r"\\\1", one_line(text))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", escaped)

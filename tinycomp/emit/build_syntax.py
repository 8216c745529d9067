"""Values from users in build files and READMEs: words of a shell, values of make, Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, which would begin something new;
    nor does it end in a backslash, which would go on with the next line.
    """
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).rstrip("\\").strip()


def make_words(words: str | Iterable[str]) -> str:
    """Words of a shell command inside a Makefile: neither make nor the shell reads anything into
    them.
    """
    listed = [words] if isinstance(words, str) else words
    quoted = " ".join(shlex.quote(one_line(word)) if word else "" for word in listed)
    return quoted.replace("$", "$$").replace("#", "\\#")


def shell_word(text: str) -> str:
    """One word of a shell command that a README shows: fit for a code span."""
    return shlex.quote(one_line(text).replace("`", ""))


def markdown(text: str) -> str:
    """Plain text in Markdown. Underscores inside words mean nothing there and stay as they are."""
    escaped = re.sub(r"([\\`*{}\[\]<>#|~&])", r"\\\1", one_line(text))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", escaped)

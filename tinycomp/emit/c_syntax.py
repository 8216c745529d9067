"""C as text: strings, comments, identifiers and numbers that are valid whatever a model says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from tinycomp.common import resources

_LONGEST_NAME = 40
_RESERVED_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
continue default delete do double else enum export extern float for friend goto if inline int long
main mutable namespace new not not_eq operator or or_eq private protected public register restrict
return short signed sizeof static struct switch template this throw try typedef typename union
unsigned using virtual void volatile while xor xor_eq
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
"""Keywords of C99 and C++11."""
_HEADER_WORDS = """
alloca arduino assert byteswap complex ctype endian errno features fenv float inttypes iso646 limits
locale malloc math memory new port pthread sched setjmp signal stdalign stdarg stdatomic stdbool
stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype
"""
_HEADERS = frozenset(_HEADER_WORDS.split())
"""What other headers include, with or without angle brackets."""
_PUBLIC_WORDS = """
arena_t assert_arena centers dequantize_output gains input invoke invoke_watched normalize_input
normalize_input_int16 output quantize_input round_input
"""
_PUBLIC_NAMES = frozenset(_PUBLIC_WORDS.split())
"""What templates/library/model.h.j2 puts behind the prefix itself."""


def c_string(text: str) -> str:
    """A C string literal: ASCII, everything else escaped byte by byte."""

    def escape(byte: int) -> str:
        character = chr(byte)
        if character in '"\\':
            return "\\" + character
        return character if 32 <= byte < 127 and character != "?" else f"\\{byte:03o}"

    return '"' + "".join(map(escape, text.encode())) + '"'


def c_comment(text: str) -> str:
    """Text that is safe inside a C comment, on one line."""
    return re.sub(r"[^\x20-\x7e]", "?", text).replace("*/", "* /").replace("/*", "/ *")


def c_identifier(text: str) -> str:
    """Lower-case letters, digits and single underscores; never empty, no digit in front."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    name = name if name and not name[0].isdigit() else f"m_{name}".rstrip("_")
    return f"{name}_" if name in _RESERVED else name


def c_prefix(text: str) -> str:
    """An identifier that public names may begin with, and headers be called.

    "m_" goes before what would hide a header of C or of the harness, or clash with the kernels'
    own names.
    """
    name = c_identifier(text)
    hides = name in _HEADERS or name in _harness()
    return f"m_{name}" if hides or re.match(r"tc(_|$)|tinycomp", name) else name


@cache
def _harness() -> frozenset[str]:
    """Its sources: its model.c is the model's own."""
    return frozenset(path.stem for path in (resources.firmware() / "harness").glob("*.c"))


def c_identifiers(
    names: Sequence[str],
    fallbacks: Sequence[str],
    parts: Sequence[Sequence[str]] | None = None,
) -> list[str]:
    """An identifier for each name: its own where that is short and free, else the fallback with the
    index in front.

    Args:
        names: what the model says.
        fallbacks: identifiers.
        parts: for each name what else is called after it, as <identifier>_<part>.
    """
    taken = set(_PUBLIC_NAMES)
    result = []
    for index, (name, fallback) in enumerate(zip(names, fallbacks, strict=True)):
        ends = ["", *(f"_{part}" for part in parts[index])] if parts else [""]
        identifier = c_identifier(name)
        if len(identifier) > _LONGEST_NAME or not taken.isdisjoint(identifier + e for e in ends):
            identifier = f"n{index}_{fallback}"
        while not taken.isdisjoint(identifier + end for end in ends):
            identifier += "_"
        taken.update(identifier + end for end in ends)
        result.append(identifier)
    return result


def c_number(value: int) -> str:
    """An integer literal; the smallest int32 has none of its own."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)

"""C as text: strings, comments, identifiers and numbers that are valid whatever a model says."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
_PUBLIC_WORDS = """
arena_t assert_arena dequantize_output input invoke invoke_watched output quantize_input
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


def c_identifiers(names: Sequence[str], fallbacks: Sequence[str]) -> list[str]:
    """An identifier for each name: its own where that is short and free, else the fallback with the
    index in front.
    """
    taken = set(_PUBLIC_NAMES)
    result = []
    for index, (name, fallback) in enumerate(zip(names, fallbacks, strict=True)):
        identifier = c_identifier(name)
        if len(identifier) > _LONGEST_NAME or identifier in taken:
            identifier = f"n{index}_{fallback}"
        while identifier in taken:
            identifier += "_"
        taken.add(identifier)
        result.append(identifier)
    return result


def c_number(value: int) -> str:
    """An integer literal; the smallest int32 has none of its own."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)

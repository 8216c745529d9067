"""The lines of keys in TOML files."""

from __future__ import annotations

import pytest

from tinycomp.common.toml_lines import lines_of

TEXT = '''\
title = "one"  # [not a table]
lists = [
  1,  # key = 2
  2,
]

[a]
b.c = 1
"d e" = """
[a.f]
x = 1
"""
inline = { x = 1, y = { z = 2 } }
[a."g.h"]
i = 1
[[steps]]
j = 1
[[steps]]
j = 2
'''


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lines_of_keys_and_tables(end: str) -> None:
    assert lines_of(TEXT.replace("\n", end)) == {
        ("title",): 1, ("lists",): 2, ("a",): 7, ("a", "b"): 8, ("a", "b", "c"): 8,
        ("a", "d e"): 9, ("a", "inline"): 13, ("a", "inline", "x"): 13, ("a", "inline", "y"): 13,
        ("a", "inline", "y", "z"): 13, ("a", "g.h"): 14, ("a", "g.h", "i"): 15, ("steps",): 18,
        ("steps", "j"): 19,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "=", 'x = """', "[", "[a", "[" * 5000])
def test_invalid_text_has_no_lines(text: str) -> None:
    assert lines_of(text) == {}

"""Names, strings and numbers in generated C are valid for any names of layers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.emit.c_syntax import (
    c_comment,
    c_identifier,
    c_identifiers,
    c_number,
    c_prefix,
    c_string,
    why_renamed,
)


@given(st.text())
def test_identifier_is_valid_c(text: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", c_identifier(text))


@pytest.mark.parametrize(
    ("text", "expected"), [("int", "m_int"), ("Conv2D/1", "conv2d_1"), ("3x", "m_3x"), ("é", "m")]
)
def test_identifier_of(text: str, expected: str) -> None:
    assert c_identifier(text) == expected


@given(st.lists(st.text(max_size=60), max_size=20))
def test_identifiers_never_collide(names: list[str]) -> None:
    found = c_identifiers(names, ["conv_2d"] * len(names))
    assert len(set(found)) == len(names)


def test_long_and_repeated_names_fall_back_to_the_operator() -> None:
    names = ["a/b", "a_b", "x" * 80]
    assert c_identifiers(names, ["add", "mul", "pad"]) == ["a_b", "n1_mul", "n2_pad"]


def test_names_of_the_library_are_reserved() -> None:
    names = ["input", "Output", "invoke", "x"]
    assert c_identifiers(names, ["add"] * 4) == ["n0_add", "n1_add", "n2_add", "x"]


def test_a_layer_is_not_named_like_a_part_of_another() -> None:
    parts = [["weights", "weights_values"], ["bias"], []]
    names = ["conv", "conv_weights", "conv_weights_bias"]
    assert c_identifiers(names, ["add"] * 3, parts) == ["conv", "n1_add", "conv_weights_bias"]
    names = ["conv_weights", "x", "conv"]
    assert c_identifiers(names, ["add"] * 3, parts[::-1]) == ["conv_weights", "x", "n2_add"]


@given(st.text())
def test_prefix_is_an_identifier_and_idempotent(text: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", c_prefix(text))
    assert c_prefix(c_prefix(text)) == c_prefix(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("kws", "kws"), ("model", "model"), ("tcn", "tcn"), ("Int", "m_int")),
        *(("string", "m_string"), ("text", "m_text"), ("tc", "m_tc"), ("TC_x", "m_tc_x")),
        *(("tinycomp", "m_tinycomp"), ("CON", "m_con"), ("lpt1", "m_lpt1"), ("com", "com")),
    ],
)
def test_prefix_of(text: str, expected: str) -> None:
    assert c_prefix(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kws", ""),
        ("My Model.2", ""),
        ("int", "int is a keyword"),
        ("42", "names in C begin with one of the letters a to z"),
        ("模型", "names in C begin with one of the letters a to z"),
        ("stdio", "other headers, macros or devices are called stdio"),
    ],
)
def test_why_a_library_has_another_name(text: str, why: str) -> None:
    assert why_renamed(text) == why
    assert bool(why) == (c_prefix(text) != "_".join(re.findall("[a-z0-9]+", text.lower())))


@given(st.text())
def test_comment_stays_a_comment(text: str) -> None:
    assert "*/" not in c_comment(text)
    assert "\n" not in c_comment(text)


def test_strings_and_numbers_survive_the_compiler(tmp_path: Path) -> None:
    text = 'quote " backslash \\ trigraph ??/ tab \t é 7'
    source = tmp_path / "t.c"
    source.write_text(
        "#include <stdio.h>\n#include <stdint.h>\n"
        f"int main(void) {{ int32_t n = {c_number(-(2**31))}; int64_t m = {c_number(-(2**63))};"
        f" fputs({c_string(text)}, stdout); return n != INT32_MIN || m != INT64_MIN; }}\n"
    )
    binary = tmp_path / "t"
    subprocess.run(
        ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", source, "-o", binary], check=True
    )
    assert subprocess.run([binary], check=True, capture_output=True).stdout == text.encode()

"""What is written as TOML is what Python's reader reads."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.common.toml_file import toml_text

texts = st.text(st.characters(codec="utf-8"), max_size=8)
plain = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    texts,
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_values_come_back(found: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(found)) == found


def test_tables_are_written_as_people_write_them() -> None:
    text = toml_text({"steps": [{"technique": "rate", "bits": 2.0}], "training": {"epochs": 3}})
    expected = '[[steps]]\ntechnique = "rate"\nbits = 2.0\n\n[training]\nepochs = 3\n'
    assert text == expected


def test_other_things_have_no_form() -> None:
    with pytest.raises(TypeError, match="has no form in TOML"):
        toml_text({"a": None})

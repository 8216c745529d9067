"""What pydantic expected, in the words of the file that a user wrote."""

from __future__ import annotations

from pydantic_core import ErrorDetails

_WANTED = {
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "string_type": "should be text in quotes",
    "bool_type": "should be true or false",
    "string_pattern_mismatch": "has another form",
    "too_short": "should not be empty",
    "tuple_type": "should be a list in brackets",
    "list_type": "should be a list in brackets",
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
}


def wanted(problem: ErrorDetails) -> str:
    """What a value should have been: "should be a whole number"."""
    return _WANTED.get(problem["type"], problem["msg"].removeprefix("Input "))

"""What an error says was expected is a sentence of its own: "Expected ..."."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest
from error_messages import PACKAGE, text_of

REFUSALS = ("refusal", "refuse_constants")
"""Functions that hand `expected` on to an error."""


@cache
def trees() -> dict[str, ast.Module]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): ast.parse(path.read_text("utf-8")) for path in paths}


@cache
def constants() -> dict[str, list[ast.expr]]:
    """What names are assigned at the top of any module."""
    found: dict[str, list[ast.expr]] = {}
    for tree in trees().values():
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, []).append(node.value)
    return found


@cache
def returns() -> dict[str, list[ast.expr]]:
    """What functions of this name return, in any module."""
    found: dict[str, list[ast.expr]] = {}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("describe"):
                values = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
                found.setdefault(node.name, []).extend(value for value in values if value)
    return found


def name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def texts(value: ast.expr) -> Iterator[str]:
    """All texts that an expression can be; none if it is another error's or caller's."""
    if isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)
    elif name_of(value) == "expected":
        return
    elif isinstance(value, ast.Name) and value.id in constants():
        for each in constants()[value.id]:
            yield text_of(each)
    elif isinstance(value, ast.Call) and name_of(value.func) in returns():
        for each in returns()[name_of(value.func)]:
            yield text_of(each)
    else:
        yield text_of(value)


def expectations() -> list[tuple[str, str]]:
    """The place and the text of each `expected` of an error, as in the code."""
    return [
        (f"{module}:{node.lineno}", text)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (name_of(node.func).endswith("Error") or name_of(node.func) in REFUSALS)
        for keyword in node.keywords
        if keyword.arg == "expected"
        for text in texts(keyword.value)
    ]


def test_every_expectation_is_a_sentence() -> None:
    found = expectations()
    assert len(found) > 300
    odd = [each for each in found if not each[1].startswith("Expected ") or each[1][-1] not in ".…"]
    assert not odd, "begin it with 'Expected ', and end it with a full stop"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("'From 1.' if a else f'Expected {b}.'", ["From 1.", "Expected …."]),
        ("error.expected", []),
        ("_unknown(a)", ["…"]),
    ],
)
def test_all_branches_are_read(code: str, found: list[str]) -> None:
    assert list(texts(ast.parse(code, mode="eval").body)) == found

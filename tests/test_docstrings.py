"""Docstrings are complete: every field of a record and every public definition has one.

A record is a dataclass, a named tuple or a pydantic model. Definitions inside functions are local.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "tinycomp"
RECORDS = {"NamedTuple", "TypedDict", "BaseModel"}

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of every module, by path."""
    return {
        str(path.relative_to(PACKAGE.parent)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class outside of functions, with its module."""
    for module, tree in modules().items():
        stack: list[ast.AST] = [tree]
        while stack:
            for node in ast.iter_child_nodes(stack.pop()):
                if isinstance(node, ast.ClassDef):
                    yield module, node
                if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    stack.append(node)


def last_name(node: ast.expr) -> str:
    """The name of a decorator or base class, without its module and arguments."""
    while not isinstance(node, (ast.Name, ast.Attribute)):
        assert isinstance(node, (ast.Call, ast.Subscript)), ast.unparse(node)
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else node.attr


@cache
def record_bases() -> frozenset[str]:
    """RECORDS, and the names of classes derived from them."""
    found, before = {*RECORDS}, 0
    while len(found) > before:
        before = len(found)
        found |= {
            each.name
            for _, each in classes()
            if any(last_name(base) in found for base in each.bases)
        }
    return frozenset(found)


def is_record(each: ast.ClassDef) -> bool:
    decorated = any(last_name(decorator) == "dataclass" for decorator in each.decorator_list)
    return decorated or each.name in record_bases()


def undocumented_fields(each: ast.ClassDef) -> Iterator[str]:
    for statement, following in zip(each.body, [*each.body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if last_name_of_annotation(statement.annotation) == "ClassVar":
            continue
        if not is_docstring(following):
            yield statement.target.id


def last_name_of_annotation(node: ast.expr) -> str:
    return ast.unparse(node).split("[")[0].split(".")[-1]


def is_docstring(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and bool(node.value.value.strip())
    )


def public(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Names of public definitions without a docstring, and of those in public classes."""
    for node in tree.body:
        if not isinstance(node, DEFINITIONS) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in public(node))


def test_every_field_has_a_docstring() -> None:
    records = [(module, each) for module, each in classes() if is_record(each)]
    assert len(records) > 150
    assert [
        f"{module}: {each.name}.{name}"
        for module, each in records
        for name in undocumented_fields(each)
    ] == []


def test_everything_public_has_a_docstring() -> None:
    assert [module for module, tree in modules().items() if not ast.get_docstring(tree)] == []
    assert [
        f"{module}: {name}" for module, tree in modules().items() for name in public(tree)
    ] == []

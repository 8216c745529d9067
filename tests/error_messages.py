"""Messages of errors in the code, with what is filled in as "…"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "tinycomp"
GAP = "…"


class Message(NamedTuple):
    """What a raise or a constructor says first."""

    kind: str
    module: str
    text: str


def text_of(node: ast.expr) -> str:
    """The text of an expression, as far as it is written in the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return GAP


def messages() -> Iterator[Message]:
    """Those of all classes whose names end in Error."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                text = " ".join(text_of(node.args[0]).split())
                if node.func.id.endswith("Error") and text.strip(GAP):
                    yield Message(node.func.id, str(path.relative_to(PACKAGE)), text)

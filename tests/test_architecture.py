"""The import rules of docs/design.md, checked on the syntax trees."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tinycomp"
ONE_TO_A_FILE = ("ops", "codecs", "passes", "techniques")
ONLY_IN = {
    "keras": ("ops", "frontend", "techniques", "train", "cli"),
    "tensorflow": ("frontend", "techniques", "train", "cli"),
    "onnx": ("frontend",),
    "torch": ("frontend",),
    "jinja2": ("emit", "report"),
    "optuna": ("recipe_search",),
    "sqlalchemy": ("recipe_search",),
    "serial": ("device",),
    "typer": ("cli",),
    "rich": ("cli", "report"),
    "subprocess": ("target", "device"),
}
INSIDE_FUNCTIONS = ("keras", "onnx", "tensorflow", "torch", "optuna", "sqlalchemy")


@dataclass(frozen=True)
class Import:
    """One import: importing module and target (dotted, without tinycomp), whether run on import."""

    module: str
    target: str
    top: bool

    @property
    def part(self) -> str:
        return self.module.split(".")[0]

    @property
    def ours(self) -> str | None:
        """The target without tinycomp, if it is a module of tinycomp."""
        package, _, rest = self.target.partition(".")
        return rest if package == "tinycomp" and rest and rest != "__version__" else None


@cache
def imports() -> tuple[Import, ...]:
    return tuple(
        found
        for path in sorted(PACKAGE.rglob("*.py"))
        for found in _of(
            ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path.read_text()
        )
    )


def _of(module: str, text: str) -> list[Import]:
    tree = ast.parse(text)
    inner = {
        node
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    inner |= {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        for target in _targets(node):
            found.append(Import(module, target, node not in inner))
    return found


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        return [_module(node.module, alias.name) for alias in node.names]
    return []


def _module(package: str, name: str) -> str:
    """`from tinycomp.ops import x` imports a module, `from tinycomp.ir import Graph` a name."""
    folder = ROOT / package.replace(".", "/")
    inner = (folder / name).is_dir() or (folder / f"{name}.py").is_file()
    return f"{package}.{name}" if inner or package == "tinycomp" else package


@cache
def rows() -> dict[str, int]:
    """The row of each part of the package, from the numbered list in docs/design.md."""
    text = (ROOT / "docs" / "design.md").read_text().split("## Import rules")[1]
    lines = re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE)
    return {name.strip(): int(number) for number, names in lines for name in names.split(",")}


def test_every_part_of_the_package_has_a_row_and_every_row_has_parts():
    parts = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    parts |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert parts == rows().keys()


def test_modules_import_only_from_their_own_package_or_rows_above():
    wrong = [
        f"{each.module} imports {each.target}"
        for each in imports()
        if each.ours
        and each.part not in ("__main__", "__init__")
        and rows()[each.ours.split(".")[0]] > rows()[each.part]
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ONE_TO_A_FILE)
def test_modules_of_registry_folders_do_not_import_each_other(folder):
    wrong = [
        f"{each.module} imports {each.target}"
        for each in imports()
        if each.part == folder
        and each.ours
        and re.fullmatch(rf"{folder}\.[a-z]\w*", each.ours)
        and re.fullmatch(rf"{folder}\.[a-z]\w*", each.module)
        and each.ours != each.module
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_packages_are_imported_where_they_belong(package):
    users = {each.part for each in imports() if each.target.split(".")[0] == package}
    assert users <= set(ONLY_IN[package])


@pytest.mark.parametrize("package", INSIDE_FUNCTIONS)
def test_slow_packages_are_imported_inside_functions(package):
    at_top = [e.module for e in imports() if e.target.split(".")[0] == package and e.top]
    assert at_top == []


def test_programs_are_only_started_by_common_process():
    users = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bos\.(system|popen|exec\w*|spawn\w*|posix_spawn)\(", path.read_text())
    ]
    assert users == []


def test_text_files_have_the_same_bytes_on_every_system():
    """Without newline= Windows writes \\r\\n, and generated files differ from those of Linux."""
    wrong = [
        f"{path.name}:{call.lineno}"
        for path in PACKAGE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and writes_text(call)
        and not any(keyword.arg == "newline" for keyword in call.keywords)
    ]
    assert wrong == []


def writes_text(call: ast.Call) -> bool:
    """Whether a call is path.write_text(...), open(..., "w") or the like with a mode for text."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [*call.args, *(each.value for each in call.keywords if each.arg == "mode")]
    modes = [each.value for each in given if isinstance(each, ast.Constant)]
    opened = any(re.fullmatch(r"[wax]\+?t?|[wax]t\+?", str(mode)) for mode in modes)
    return name == "write_text" or (name in ("open", "fdopen") and opened)


def test_nobody_imports_click():
    """Typer includes its own copy."""
    assert [each.module for each in imports() if each.target.split(".")[0] == "click"] == []


def test_the_rules_of_this_test_are_those_of_the_design():
    text = (ROOT / "docs" / "design.md").read_text().split("## Import rules")[1]
    for package in (*ONLY_IN, "pyserial"):
        assert package in text

"""Reads tinycomp.toml of the current folder: options for commands, over which those of the command
line win.

model = "model.keras"          # keys before the first table are for all commands that take them
data = "data.npz"
board = "esp32"

[build]                        # those in a command's table are for it alone
output = "out"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from tinycomp.cli.app import app, tell
from tinycomp.common.errors import TinycompError, numbered
from tinycomp.common.toml_file import read_toml, shown

FILE = "tinycomp.toml"
"""The name of the file."""

_ALIASES = {
    "inspect": {"path": "model"},
    "verify": {"folder": "output"},
    "bench": {"folder": "output"},
}
"""Parameters of commands that other keys give."""
_ALONE = ("output", "force", "folder", "path", "as_json", "json", "quiet", "verbose")
"""Parameters that every command has its own kind of: only in its table, if at all."""
_ELSEWHERE = {"verify": ("board",), "bench": ("board",)}
"""Parameters that mean something else in a command: another board than the build's."""
_NUMBERS = (int, float)
_CALLED = {int: "an integer", float: "a number", bool: "true or false"}
"""How values are called in messages, by the parameter's type; others are strings."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a command."""

    kind: Any
    """Its type, without None: int, float, bool, str, Path or a Literal."""
    info: Any
    """Typer's description."""

    def converted(self, value: object) -> Any:
        """A value of the file as the command line would give it.

        Raises:
            ValueError: it has another type, or is not allowed; the text says what was expected.
        """
        choices = get_args(self.kind)
        if choices:
            if str(value) not in choices or isinstance(value, bool):
                raise ValueError(f"Expected one of {', '.join(choices)}")
            return str(value)
        if self.info.parser is not None:
            return self._parsed(value)
        kinds = _NUMBERS if self.kind is float else (str,) if self.kind is Path else (self.kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and self.kind is not bool):
            raise ValueError(f"Expected {_CALLED.get(self.kind, 'a string')}")
        if isinstance(value, _NUMBERS) and self.kind is not bool:
            self._check_range(value)
        return value

    def _parsed(self, value: object) -> str:
        """The text of an amount or a fraction, which numbers may also be."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("Expected a number, or a string as on the command line")
        try:
            self.info.parser(str(value))
        except typer.BadParameter as error:
            raise ValueError(error.message.rstrip(".")) from error
        return str(value)

    def _check_range(self, value: float) -> None:
        low, high = self.info.min, self.info.max
        if low is not None and value < low:
            raise ValueError(f"Expected at least {low}")
        if high is not None and value > high:
            raise ValueError(f"Expected at most {high}")


@dataclass(frozen=True)
class ProjectFile:
    """The checked content of a tinycomp.toml."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Of all commands, by key."""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of single commands, by the command's name and key."""

    def options(self, command: str, names: list[str]) -> dict[str, Any]:
        """The values of a command's parameters that the file gives, by the parameter's name."""
        found = {
            name: value
            for name, value in self.values.items()
            if name in names and name not in _ELSEWHERE.get(command, ())
        }
        found |= self.tables.get(command, {})
        output = self.tables.get("build", {}).get("output")
        for name, key in _ALIASES.get(command, {}).items():
            value = output if key == "output" else self.values.get(key)
            if value is not None:
                found.setdefault(name, value)
        return found


class ProjectCommand(TyperCommand):
    """A command whose options tinycomp.toml may give."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        """As usual, with the file's values as defaults."""
        path = Path(FILE)
        if path.is_file() and not {"--help", "-h"} & {*args}:
            names = [str(each.name) for each in self.params]
            extra["default_map"] = read_project(path).options(str(self.name), names)
        return super().make_context(info_name, args, *rest, **extra)

    def invoke(self, ctx: Any) -> Any:
        """As usual, after a line on what the file gave."""
        if line := _summary(ctx):
            tell(line)
        return super().invoke(ctx)


def _summary(ctx: Any) -> str:
    """What the file gave and what the command line has instead; empty for nothing."""
    given = ctx.default_map or {}
    sources = {name: ctx.get_parameter_source(name).name for name in given}
    used = [f"{name} {_short(given[name])}" for name in given if sources[name] == "DEFAULT_MAP"]
    instead = [name for name in given if sources[name] == "COMMANDLINE"]
    if not given:
        return ""
    parts = [f"From {FILE}: {', '.join(used) or 'nothing'}."]
    if instead:
        parts.append(f"The command line gave {', '.join(instead)}.")
    return " ".join(parts)


def _short(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_project(path: Path) -> ProjectFile:
    """The file, checked.

    Raises:
        TinycompError: it can't be read, keys are unknown or values have the wrong type; the text
            names all of them, with their lines.
    """
    values = read_toml(path, f"'{path}'")
    commands = _commands()
    reader = _Reader(path, path.read_text(encoding="utf-8-sig"))
    common = _common(commands)
    top: dict[str, Any] = {}
    tables: dict[str, Mapping[str, Any]] = {}
    for key, value in values.items():
        if key in commands and isinstance(value, dict):
            tables[key] = reader.checked(value, commands[key], key)
        elif key in commands:
            reader.complain(key, "", f"'{key}' is {shown(value)}. Expected a table, [{key}].")
        else:
            top |= reader.checked({key: value}, common, "", tables=tuple(commands))
    if reader.problems:
        raise reader.refusal()
    return ProjectFile(top, tables)


def _commands() -> dict[str, dict[str, Parameter]]:
    """The parameters of the commands that read the file, by names."""
    return {
        info.name or info.callback.__name__: _parameters(info.callback)
        for info in app.registered_commands
        if info.cls is ProjectCommand and info.callback is not None
    }


def _parameters(command: Callable[..., Any]) -> dict[str, Parameter]:
    found = {}
    for name, hint in get_type_hints(command, include_extras=True).items():
        if get_origin(hint) is Annotated:
            kind, info = get_args(hint)
            kinds = [each for each in get_args(kind) if each is not NoneType]
            optional = NoneType in get_args(kind)
            found[name] = Parameter(kinds[0] if optional else kind, info)
    return found


def _common(commands: Mapping[str, Mapping[str, Parameter]]) -> dict[str, Parameter]:
    """The parameters that may stand before the first table."""
    return {
        name: each
        for parameters in commands.values()
        for name, each in parameters.items()
        if name not in _ALONE
    }


@dataclass(frozen=True)
class _Reader:
    """Checks the values of one file."""

    path: Path
    """The file."""
    text: str
    """Its text, for numbers of lines."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, each with its line."""

    def checked(
        self,
        values: Mapping[str, Any],
        known: Mapping[str, Parameter],
        table: str,
        tables: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The values of a table as the command line would give them."""
        found = {}
        for key, value in values.items():
            if key not in known:
                self._complain_of_unknown(key, [*known, *tables], table)
                continue
            try:
                found[key] = known[key].converted(value)
            except ValueError as error:
                self.complain(key, table, f"'{key}' is {shown(value)}. {error}.")
        return found

    def _complain_of_unknown(self, key: str, names: list[str], table: str) -> None:
        place = f"of tinycomp {table}" if table else "that commands have in common"
        near = difflib.get_close_matches(key, names, n=1)
        known = f"Known here: {', '.join(sorted({*names}))}."
        hint = f"Did you mean '{near[0]}'?" if near else known
        self.complain(key, table, f"'{key}' is no option {place}. {hint}")

    def complain(self, key: str, table: str, reason: str) -> None:
        """Add a problem, with its place."""
        line = next(_lines(self.text, key, table), None)
        self.problems.append(reason if line is None else f"line {line}: {reason}")

    def refusal(self) -> TinycompError:
        """All problems in one error."""
        if len(self.problems) > 1:
            found = numbered(self.problems)
            return TinycompError(f"'{self.path}' has {len(self.problems)} problems: {found}")
        (only,) = self.problems
        return TinycompError(f"'{self.path}'{', ' if only.startswith('line ') else ': '}{only}")


def _lines(text: str, key: str, table: str) -> Iterator[int]:
    """The numbers of the lines on which a table's key begins."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            current = header[1]
            if not table and current.strip("\"'") == key:
                yield number
        elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            yield number

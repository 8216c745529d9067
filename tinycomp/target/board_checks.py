"""Checks of a board file beyond the types of its keys: named things exist, and keys agree.

They read the file's values, not a Board, so that they also run where other keys are wrong: a
message names all problems of a file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.target.board_files import find_board, read_board
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.project_tables._registry import project_tables

Values = Mapping[str, Any]


class Problem(NamedTuple):
    """What is wrong with a board file."""

    key: tuple[str, ...]
    """The key, with its tables; empty: the file."""
    text: str
    """What is wrong, and what to try, as sentences without a capital letter at the start."""


def problems_of(values: Values) -> Iterator[Problem]:
    """The problems of a board's values, those of the boards that it is based on included. Values
    of a wrong type are skipped.
    """
    for check in (_folders, _project, _memory, _pace, _silicon, _flash, _stand_in):
        yield from check(values)


def _text(values: Values, key: str) -> str | None:
    found = values.get(key)
    return found if isinstance(found, str) else None


def _table(values: Values, key: str) -> Values:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _number(values: Values, key: str, *kinds: type) -> Any:
    """A number of these types; None if it is missing, or of another type."""
    found = values.get(key)
    return found if isinstance(found, kinds) and not isinstance(found, bool) else None


def expected_one_of(name: str, known: Sequence[str]) -> str:
    """The known names, and the nearest."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Expected one of: {', '.join(known)}.{hint}"


def _folders(values: Values) -> Iterator[Problem]:
    kernels = [path.name for path in (resources.firmware() / "kernels").iterdir() if path.is_dir()]
    for key, folder, known in (
        ("kernels", "firmware/kernels", sorted(kernels)),
        ("port", "firmware/ports", resources.ports()),
        ("project", "templates/projects", resources.project_kinds()),
    ):
        name = _text(values, key)
        if name is not None and name not in known:
            text = f"{key} = {name!r}, but {folder} has no such folder."
            yield Problem((key,), f"{text} {expected_one_of(name, known)}")


def _project(values: Values) -> Iterator[Problem]:
    kind = _text(values, "project")
    if kind in project_tables() and kind not in values:
        needed = _required(project_tables()[kind])
        yield Problem(("project",), f"project = {kind!r} needs a table [{kind}]{needed}.")


def _required(table: type[Any]) -> str:
    """The keys that a table needs, as text after its name."""
    names = [name for name, field in table.model_fields.items() if field.is_required()]
    return f" with {', '.join(names)}" if names else ""


def _memory(values: Values) -> Iterator[Problem]:
    memory = _table(values, "memory")
    for key in ("flash", "ram"):
        size, reserved = (_number(memory, each, int) for each in (key, f"reserved_{key}"))
        if size is not None and reserved is not None and reserved > size >= 0:
            yield Problem(
                ("memory", f"reserved_{key}"),
                f"'memory.reserved_{key}' = {reserved:,} is more than 'memory.{key}' = {size:,}: "
                "nothing is left for a model.",
            )


def _pace(values: Values) -> Iterator[Problem]:
    pace = _table(values, "pace")
    least, most = (_number(pace, each, int, float) for each in ("least", "most"))
    if least is not None and most is not None and least > most:
        yield Problem(("pace", "least"), "key 'pace.least' is larger than 'pace.most'.")


def _silicon(values: Values) -> Iterator[Problem]:
    counted = _text(_table(values, "emulator"), "tick_unit") == "instructions"
    if "silicon" in values and not counted:
        yield Problem(
            ("silicon",),
            "a table [silicon] needs an emulator that counts instructions. Remove the table: if "
            "cycles are counted, they need not be estimated.",
        )


def _flash(values: Values) -> Iterator[Problem]:
    """Every flash tool is known, and has its table if it needs one."""
    known, flash = flash_tools(), _table(values, "flash")
    tools = flash.get("tools")
    for name in tools if isinstance(tools, list) else []:
        if not isinstance(name, str):
            continue
        if name not in known:
            yield Problem(
                ("flash", "tools"),
                f"flash.tools names {name!r}, which is not a known tool. "
                f"{expected_one_of(name, list(known))}",
            )
        elif (needed := _required(known[name])) and name not in flash:
            yield Problem(
                ("flash", "tools"),
                f"flash.tools names {name!r}, which needs a table [flash.{name}]{needed}.",
            )


def _stand_in(values: Values) -> Iterator[Problem]:
    """The stand-in is an emulated board with the same kernels, so that it verifies what the board
    runs.
    """
    name = _text(values, "stand_in")
    if name is None:
        return
    for reason in _reasons_against(name, values):
        yield Problem(("stand_in",), f"stand_in = {name!r}{reason}")


def _reasons_against(name: str, values: Values) -> Iterator[str]:
    try:
        other = read_board(find_board(name))
    except BoardError as error:
        yield f". {error}"
        return
    if "emulator" in values:
        yield ", but the board has its own [emulator]. Remove one of them."
    elif "emulator" not in other:
        yield ", which has no emulator. Name a board with a table [emulator]."
    theirs, ours = (_text(each, "kernels") or "generic" for each in (other, values))
    if theirs != ours:
        yield (
            f" runs the kernels {theirs!r}, this board {ours!r}. Name an emulated board with the "
            "same kernels."
        )

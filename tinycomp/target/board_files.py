"""Finds and reads board files: names, similar names, and inheritance."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.common.toml_file import read_toml, shown
from tinycomp.common.toml_lines import lines_of

_SUFFIX = ".toml"
_OWN = ("title", "stand_in", "differs", "based_on")
"""Keys that are not inherited."""
_OF_EMULATED = ("emulator", "silicon")
"""Tables that a board with a stand-in does not inherit."""


def board_names() -> list[str]:
    """The names of all built-in boards, in alphabetical order."""
    return sorted(path.stem for path in resources.boards().glob(f"*{_SUFFIX}"))


def find_board(name: str, beside: Path | None = None) -> Path:
    """The file of a board.

    Args:
        name: of a built-in board, or the path of a file (ends in .toml).
        beside: base folder of relative paths; None: the current folder.

    Raises:
        BoardError: there is no board of that name.
    """
    if name.endswith(_SUFFIX):
        return Path(name) if beside is None else beside / name
    names = board_names()
    if name in names:
        return resources.boards() / f"{name}{_SUFFIX}"
    raise BoardError(
        f"There is no board {name!r}.",
        expected=f"Expected one of: {', '.join(names)}.",
        hint=_meant(name, names),
    )


def _meant(name: str, names: list[str]) -> str:
    """What to try where a name is not known."""
    if Path(name).is_file():
        return f"The name of a board file ends in {_SUFFIX}: rename '{name}'."
    near = [repr(each) for each in near_boards(name, names)]
    listed = " or ".join(filter(None, (", ".join(near[:-1]), *near[-1:])))
    if near:
        return f"Did you mean {listed}?"
    return "Name your own board file by its path: ./my.toml."


def near_boards(name: str, names: list[str]) -> list[str]:
    """The boards that a name may mean: the same letters and digits, else those with it in their
    title or core (the chip "rp2040"), else the nearest name.
    """
    wanted = _plain(name)
    same = [known for known in names if _plain(known) == wanted]
    found = same or [known for known in names if wanted and _is_titled(known, wanted)]
    near = near_name(name, names)
    return found or ([near] if near else [])


def _is_titled(board: str, wanted: str) -> bool:
    """Whether a word of a board's title or core begins with some letters and digits, or the title
    holds them at more than three.
    """
    values = read_board(resources.boards() / f"{board}{_SUFFIX}")
    texts = (str(values.get("title", "")), str(values.get("cpu", "")))
    words = re.findall("[a-z0-9]+", " ".join(texts).lower())
    held = len(wanted) > 3 and any(wanted in _plain(text) for text in texts)
    return held or (len(wanted) > 1 and any(word.startswith(wanted) for word in words))


def near_name(name: str, names: list[str]) -> str | None:
    """The most likely intended name: the same letters and digits, or one that contains the other
    (nucleo_l4r5 for nucleo-l4r5zi), or a similar spelling.
    """
    plain = {_plain(known): known for known in names}
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    if len(wanted) > 2:
        held = [known for known in plain if wanted in known or known in wanted]
        if held:
            return plain[max(held, key=lambda known: (known in wanted, len(known)))]
    close = difflib.get_close_matches(wanted, plain, n=1)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def read_board(path: Path) -> dict[str, Any]:
    """The keys of a board file, including those of the board that it is based on.

    Tables are merged key by key; lists are replaced. `title`, `stand_in` and `differs` are never
    inherited, nor are [emulator] and [silicon] by a board with a stand-in, and `advice` by one with
    flash tools of its own.

    Raises:
        BoardError: a file can't be read; boards are based on each other in a circle.
    """
    return _read(path, ())


class Place(NamedTuple):
    """Where a key is."""

    path: Path
    """The board file."""
    line: int
    """Its line, from 1."""


def places_of(path: Path) -> dict[tuple[str, ...], Place]:
    """The lines of the keys of a board file, and of those that it inherits; nothing of a file that
    can't be read.
    """
    found: dict[tuple[str, ...], Place] = {}
    for each in _chain(path):
        text = each.read_bytes().decode("utf-8-sig")
        for key, line in lines_of(text).items():
            found.setdefault(key, Place(each, line))
    return found


def _chain(path: Path) -> list[Path]:
    """A board file, the one that it is based on, and so on."""
    found: list[Path] = []
    try:
        while path not in found:
            base = read_toml(path, "", BoardError).get("based_on")
            found.append(path)
            if not isinstance(base, str):
                break
            path = find_board(base, path.parent)
    except BoardError:  # no such file, or board
        pass
    return found


def _read(path: Path, derived: tuple[Path, ...]) -> dict[str, Any]:
    values = _values(path)
    if "name" in values:
        raise BoardError(
            f"Board file {path}: key 'name' is not allowed.",
            hint="A board has the name of its file: rename the file.",
        )
    stand_in = values.get("stand_in")
    if isinstance(stand_in, str) and stand_in.endswith(_SUFFIX):
        values["stand_in"] = str(path.parent / stand_in)
    base = values.get("based_on")
    if base is None:
        return values
    if not isinstance(base, str):
        raise BoardError(
            f"Board file {path}: key 'based_on' should be the name of a board, "
            f"but it is {shown(base)}."
        )
    chain = (*derived, path.resolve())
    source = _base_of(path, base)
    if source.resolve() in chain:
        circle = " -> ".join(each.stem for each in (*chain, source))
        raise BoardError(
            f"Board file {path}: boards are based on each other in a circle: {circle}.",
            hint="Leave based_on out of one of them.",
        )
    inherited = {key: value for key, value in _inherited(path, source, chain) if key not in _OWN}
    if "stand_in" in values:
        inherited = {key: value for key, value in inherited.items() if key not in _OF_EMULATED}
    return _merged(_without_advice(inherited, values), values)


def _without_advice(inherited: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Steps by hand belong to the flash tools: a board with tools of its own inherits none."""
    base, own = inherited.get("flash"), values.get("flash")
    if not (isinstance(base, dict) and isinstance(own, dict) and "tools" in own):
        return inherited
    kept = {key: value for key, value in base.items() if key != "advice"}
    return {**inherited, "flash": kept}


def _values(path: Path) -> dict[str, Any]:
    """The values of one file; if there is none, a built-in board may have been meant."""
    try:
        return read_toml(path, f"Board file {path}", BoardError)
    except BoardError as error:
        near = [] if path.exists() else near_boards(path.stem, board_names())
        if not near:
            raise
        hint = f"Name a built-in board without '{_SUFFIX}': {' or '.join(near)}."
        raise BoardError(error.what, hint=hint) from error


def _inherited(path: Path, source: Path, chain: tuple[Path, ...]) -> Iterable[tuple[str, Any]]:
    if not source.exists():
        raise BoardError(
            f"Board file {path}: based_on = {source.name!r}, but there is no file '{source}'.",
            hint="Name a board of 'tinycomp boards', or a board file relative to this one.",
        )
    return _read(source, chain).items()


def _base_of(path: Path, base: str) -> Path:
    try:
        return find_board(base, path.parent)
    except BoardError as error:
        raise BoardError(
            f"Board file {path}: based_on = {base!r}. {error.what}",
            expected=error.expected,
            hint=error.hint,
        ) from error


def _merged(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in values.items():
        known = both.get(key)
        tables = isinstance(known, dict) and isinstance(value, dict)
        both[key] = _merged(known, value) if tables else value  # type: ignore[arg-type]
    return both

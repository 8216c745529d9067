"""The message about all problems of a board file: what, in which line of which file, and what to
try.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tinycomp.common.errors import BoardError, numbered
from tinycomp.common.problems import wanted
from tinycomp.common.toml_file import shown
from tinycomp.target.board_checks import Problem
from tinycomp.target.board_files import Place, places_of
from tinycomp.target.section import Section, field_texts


def refusal(path: Path, problems: Iterable[Problem]) -> BoardError:
    """The error for a board file, its problems in the order of their lines.

    Args:
        path: the file; it need not exist (a board out of a report).
        problems: at least one.
    """
    places = places_of(path)
    found = sorted(
        ((places.get(each.key), each.text) for each in dict.fromkeys(problems)),
        key=lambda each: (each[0] is None, each[0] and (each[0].path != path, each[0].line)),
    )
    if len(found) > 1:
        listing = numbered([_located(path, place, text) for place, text in found])
        return BoardError(f"Board file {path} has {len(found)} problems: {listing}")
    ((place, text),) = found
    return BoardError(f"Board file {path}: {_located(path, place, text)}")


def _located(path: Path, place: Place | None, text: str) -> str:
    if place is None:
        return text
    where = "" if place.path == path else f" of {place.path}"
    return f"line {place.line}{where}: {text}"


def problems_of_types(error: ValidationError, model: type[Section]) -> Iterator[Problem]:
    """What a validation found: unknown keys, missing ones, and values of a wrong type."""
    problems = error.errors(include_url=False)
    guessed = set()
    for problem in problems:
        if problem["type"] == "extra_forbidden":
            key = _key(problem)
            near, text = _unknown(key, model)
            guessed.add((*key[:-1], near))
            yield Problem(key, text)
    for problem in problems:
        key = _key(problem)
        if problem["type"] == "missing" and key not in guessed:
            about = _description(key, model)
            yield Problem((), f"key {'.'.join(key)!r} is missing{f': {about}' if about else '.'}")
        elif problem["type"] not in ("missing", "extra_forbidden") and not _follows(
            problem, problems
        ):
            yield Problem(key, _wrong(problem, model))


def _follows(problem: ErrorDetails, problems: list[ErrorDetails]) -> bool:
    """Whether a list is only called empty because of its elements, which are problems too."""
    of = problem["loc"]
    inside = any(each["loc"][:-1] == of for each in problems if each["loc"])
    return problem["type"] == "too_short" and inside


def _key(problem: ErrorDetails) -> tuple[str, ...]:
    """The key of a problem, without the number of an element of its list."""
    return tuple(part for part in problem["loc"] if isinstance(part, str))


def _wrong(problem: ErrorDetails, model: type[Section]) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    text = f"key {name!r} {wanted(problem)}, but it is {shown(problem['input'])}"
    about = _description(_key(problem), model)
    return f"{text}: {about}" if about else f"{text}."


def _description(key: tuple[str, ...], model: type[Section]) -> str:
    """What a key holds, with its unit, by its docstring; empty if there is none."""
    section: Any = model
    *tables, last = key
    for table in tables:
        section = _table(section, table)
    is_table = isinstance(section, type) and issubclass(section, Section)
    text = field_texts(section).get(last, "") if is_table else ""
    return text[:1].lower() + text[1:].replace("\n", " ")


def _unknown(key: tuple[str, ...], model: type[Section]) -> tuple[str, str]:
    """The key that was probably meant, or an empty text, and the message."""
    section: Any = model
    *tables, last = key
    for table in tables:
        section = _table(section, table)
    names = [name for name in section.model_fields if tables or name != "name"]
    near = [*difflib.get_close_matches(last, names, n=1), ""][0]
    hint = f"Did you mean {near!r}?" if near else f"Known here: {', '.join(names)}."
    return near, f"key {'.'.join(key)!r} is not known. {hint}"


def _table(section: Any, name: str) -> Any:
    """The type of a subtable: its field has that type, or that type or None."""
    field = getattr(section, "model_fields", {}).get(name)
    return None if field is None else next(iter(get_args(field.annotation)), field.annotation)

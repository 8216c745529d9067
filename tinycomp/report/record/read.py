"""Reports as JSON text, with the number of their format.

A new field that has a default keeps the number: readers take the default where it is missing, and
ignore fields that they don't know. Any other change increases it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tinycomp.common.errors import OutputError
from tinycomp.report.record.report import Report

REPORT_NAME = "report.json"
FORMAT = 2
"""The format that is written. 1: tinycomp 0.1, whose reports have no number; it is still read."""
_OLDEST = 1


def to_json(report: Report) -> str:
    """The report as JSON text that ends with a newline."""
    return json.dumps({"format": FORMAT, **asdict(report)}, indent=2) + "\n"


def read_report(folder: Path) -> Report:
    """The report of a build.

    Args:
        folder: of the build, or the path of a report.json.

    Raises:
        OutputError: the folder has no report, or it can't be read, or its format is unknown.
    """
    path = folder if folder.suffix == ".json" and not folder.is_dir() else folder / REPORT_NAME
    try:
        text = path.read_text(encoding="utf-8")
        _check_format(path, json.loads(text))
        return TypeAdapter(Report).validate_json(text, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise OutputError(
            f"'{folder}' holds no {REPORT_NAME}."
            if folder.is_dir()
            else f"'{folder}' is a file."
            if folder.exists()
            else f"There is no folder '{folder}'.",
            expected="Expected a folder written by 'tinycomp build'.",
            hint="Run 'tinycomp build MODEL -o FOLDER' first.",
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise _unreadable(path, f"{place}: {first['msg']}") from error
    except (ValueError, RecursionError, OSError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, why: str) -> OutputError:
    return OutputError(
        f"'{path}' can't be read: {why}.",
        expected="Expected a report as 'tinycomp build' writes it.",
        hint="Build the model again.",
    )


def _check_format(path: Path, content: Any) -> None:
    """Refuse a report of another format before its content is looked at."""
    number = content.get("format", 1) if isinstance(content, dict) else 1
    if not isinstance(number, int) or not _OLDEST <= number <= FORMAT:
        written = content.get("generator", "another version")
        raise OutputError(
            f"'{path}' has format {number}, written by tinycomp {written}.",
            expected=f"Expected format {_OLDEST} to {FORMAT}.",
            hint="Use the tinycomp that built the folder, or build the model again.",
        )

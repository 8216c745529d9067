"""What is printed where there is no terminal, or one with few letters."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.box import SIMPLE
from rich.table import Table
from sample_reports import full

from tinycomp.cli.plain_text import PlainConsole
from tinycomp.report.record import to_json

PROGRAM = """
import sys
from tinycomp.cli.plain_text import write_any_letter
write_any_letter()
print("91 % \u2192 90 % \u2026 \u2500\u2588\u258f \u00b5 \u03a9")
"""


def written(table: Table, **options: bool) -> list[str]:
    stream = StringIO()
    console = PlainConsole(file=stream, width=30, color_system=None, **options)  # type: ignore[arg-type]
    console.print(table)
    console.print("behind ", end="")
    console.print("it")
    return stream.getvalue().splitlines()


def test_lines_in_a_pipe_end_with_their_text() -> None:
    table = Table("a", "b", box=SIMPLE)
    table.add_row("1", "")
    plain, terminal = written(table), written(table, force_terminal=True)
    assert [line.rstrip() for line in terminal] == plain
    assert any(line.endswith(" ") for line in terminal)
    assert plain[-1] == "behind it"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "91 % → 90 % … ─█▏ µ Ω"),
        ("cp1252", "91 % -> 90 % … -#| µ \\u03a9"),
        ("ascii", "91 % -> 90 % ~ -#| \\xb5 \\u03a9"),
    ],
)
def test_letters_that_an_encoding_lacks_are_replaced(encoding: str, expected: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.decode(encoding).rstrip() == expected


def test_the_program_prints_a_report_in_the_encoding_of_windows(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(full()))
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "tinycomp", "report", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"float -> int8" in done.stdout

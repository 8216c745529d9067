"""results.json: growth, updates by partial runs, and agreement with the docs."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.cases import Limit, Target, targets
from benchmarks.results import (
    BoardResults,
    Peer,
    Row,
    as_json,
    growth,
    limits,
    read_board,
    read_results,
)  # fmt: skip
from benchmarks.run import merged
from benchmarks.show import table
from tinycomp.target.boards import load_board

ROOT = Path(__file__).resolve().parents[2]
ROW = Row(1000, 2000, 300, 400, 500, Peer(4000, 1000, 900))
KNOWN = BoardResults("gcc 12", "instructions", "Other", {"kws": ROW, "kws 4-bit": ROW})


def with_row(found: BoardResults, name: str, **changes: int) -> BoardResults:
    return replace(found, rows={**found.rows, name: replace(found.rows[name], **changes)})


def test_the_docs_agree_with_results_json() -> None:
    """python -m benchmarks.tables rewrites them."""
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
@pytest.mark.shared
def test_the_session_in_the_readme_is_what_its_command_prints() -> None:
    """python -m benchmarks.session renews it."""
    command = [sys.executable, "-m", "benchmarks.session", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_case_is_recorded() -> None:
    recorded = read_results()
    for target in targets():
        assert list(recorded[target.board].rows) == [case.name for case in target.cases]
        assert recorded[target.board].peer == target.peer


def test_boards_and_limits_of_the_table_exist() -> None:
    for target in targets():
        assert load_board(target.board).emulator is not None
        assert target.limits.keys() <= {case.name for case in target.cases}


def test_recorded_figures_meet_all_limits() -> None:
    for target in targets():
        rows = read_results()[target.board].rows
        for name, row in rows.items():
            for figure, most in limits(target.limit(name), rows, name).items():
                assert getattr(row, figure) <= most, f"{target.board}, {name}: {figure}"


def test_growth_is_reported_with_both_numbers() -> None:
    found = with_row(with_row(KNOWN, "kws", latency=2001, ram=499), "kws 4-bit", code=301)
    assert list(growth(KNOWN, found)) == [
        "kws: latency grew from 2,000 to 2,001",
        "kws 4-bit: flash grew from 700 to 701",
    ]


def test_unrecorded_figures_are_reported() -> None:
    found = replace(KNOWN, rows={"vww": ROW})
    assert list(growth(KNOWN, found)) == ["vww is not recorded: run make bench"]


def test_cycles_may_differ_by_interrupts() -> None:
    known = replace(KNOWN, unit="cycles")
    assert list(growth(known, with_row(known, "kws", latency=2060))) == []
    assert list(growth(known, with_row(known, "kws", latency=2160))) != []
    assert list(growth(known, with_row(known, "kws", ram=KNOWN.rows["kws"].ram + 10))) == []
    assert list(growth(known, with_row(known, "kws", ram=KNOWN.rows["kws"].ram + 11))) != []


def test_a_partial_run_replaces_only_its_part() -> None:
    known = {"cortex-m0": KNOWN, "cortex-m4": KNOWN}
    found = {"cortex-m4": replace(KNOWN, compiler="gcc 13", rows={"kws": replace(ROW, ram=1)})}
    result = merged(known, found)
    assert result["cortex-m0"].rows == {"kws": ROW}  # the table has no codebooks on this board
    assert list(result) == ["cortex-m4", "cortex-m0"]
    assert result["cortex-m4"].compiler == "gcc 13"
    assert result["cortex-m4"].rows == {"kws": replace(ROW, ram=1), "kws 4-bit": ROW}


def test_limits_are_absolute_or_relative() -> None:
    rows = {"kws": ROW, "kws 4-bit": replace(ROW, latency=9999, peer=None)}
    assert limits(Limit(latency=5, flash=6, ram=7), rows, "kws") == {
        "latency": 5, "flash": 6, "ram": 7,
    }  # fmt: skip
    assert limits(Limit(of_peer=0.25), rows, "kws") == {"latency": 1000}
    assert limits(Limit(of_dense=1.1, flash=6), rows, "kws 4-bit") == {"latency": 2200, "flash": 6}
    assert limits(Limit(), rows, "kws") == {}


def test_the_table_marks_missed_limits() -> None:
    target = Target("cortex-m4", ["kws"], "Other", limits={"kws": Limit(flash=700, ram=499)})
    printed = io.StringIO()
    Console(width=160, file=printed).print(table(target, KNOWN))
    text = printed.getvalue()
    assert "cortex-m4, gcc 12, beside Other" in text
    assert "0.500 of 4,000" in text
    assert "≤ 700" in text
    assert "> 499" in text


def test_results_can_be_written_and_read() -> None:
    for board in read_results().values():
        assert read_board(as_json(board)) == board

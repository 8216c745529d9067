"""build, verify and bench for a board without an emulator use its stand-in, and say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command, needs_m4

from tinycomp.target.boards import load_board

NANO = ("--board", "nano33ble")
NOTE = "Note: nano33ble is not emulated: cortex-m4 stands in for it, with the same kernels."


@needs_m4
def test_a_board_is_verified_and_timed_on_its_stand_in(folder: Path, run: Command) -> None:
    done = run("build", "model.tflite", "-o", "out", *NANO)
    assert done.code == 0
    assert " ".join(done.err.split()).count(NOTE) == 1
    assert "litert, simulator, host, stand-in cortex-m4: 7 tensors" in done.words
    assert "Counted on cortex-m4, which stands in for nano33ble" in done.words
    assert "ms, nano33ble at 64 MHz, an estimate; " in done.words
    assert "Estimate 1.2 to 2 cycles per instruction" in done.words
    report = json.loads((folder / "out" / "report.json").read_text())
    assert (report["board"], report["stand_in"]) == ("nano33ble", "cortex-m4")
    latency, pace = report["latency"], load_board("nano33ble").pace
    assert pace is not None
    assert latency["time"]["least"] == pytest.approx(latency["value"] * pace.least / 64_000)
    assert latency["time"]["most"] == pytest.approx(latency["value"] * pace.most / 64_000)
    assert "the board's stand-in" in (folder / "out" / "report.html").read_text()

    again = run("verify", "out", "--samples", "2")
    assert again.code == 0
    assert "litert = simulator = host = stand-in cortex-m4: 7 tensors" in again.words
    assert NOTE in " ".join(again.err.split())
    timed = run("bench", "out")
    assert f"{latency['value']:,} instructions" in timed.words
    assert "Counted on cortex-m4" in timed.words


def test_without_verify_and_bench_no_stand_in_is_named(folder: Path, run: Command) -> None:
    done = run("build", "model.tflite", "-o", "out", "--no-verify", "--no-bench", *NANO)
    assert done.code == 0
    assert "stands in" not in done.err
    assert json.loads((folder / "out" / "report.json").read_text())["stand_in"] is None

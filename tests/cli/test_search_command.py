"""`tinycomp search` on the command line: what it prints and refuses; killed and started again."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Command, Refusal, write_trained

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model.keras and its data.npz."""
    folder = tmp_path_factory.mktemp("search")
    write_trained(folder, features=24, distance=0.6, units=32)
    return folder


def arguments(folder: Path, output: Path, *more: str) -> list[str]:
    return [
        "search", str(folder / "model.keras"), "--data", str(folder / "data.npz"), "--board",
        "host", "-o", str(output), *more,
    ]  # fmt: skip


def test_a_search_within_limits(written: Path, tmp_path: Path, run: Command) -> None:
    output = tmp_path / "out"
    limits = ("--max-flash", "24k", "--max-ram", "6k", "--min-accuracy", "0.6")
    short = ("--candidates", "2", "--epochs", "1", "--techniques", "channels,int8,rate")
    done = run(*arguments(written, output, *limits, *short))
    assert done.code == 0, done.err
    lines = [line for line in done.err.splitlines() if " bytes of flash, " in line]
    with (output / "candidates.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(lines)
    assert "Pareto front for host" in done.out
    assert f"Wrote {output / 'report.html'} and {output / 'front.csv'}" in done.words
    assert f"--recipe {output / 'recipes'}" in done.words
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_what_is_impossible_is_refused(
    written: Path, tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = arguments(written, tmp_path / "out")
    assert "'speed' can't be minimized" in refusal(*good, "--minimize", "flash,speed")
    assert "'magic' is not a technique" in refusal(*good, "--techniques", "magic,int8")
    monkeypatch.setitem(sys.modules, "optuna", None)
    said = refusal(*good, code=4)
    assert said == (
        "tinycomp search needs optuna, which is not installed. pip install 'tinycomp[search]'"
    )


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_search_goes_on(written: Path, tmp_path: Path, jobs: str) -> None:
    output = tmp_path / "out"
    options = ("--candidates", "6", "--epochs", "6", "--jobs", jobs)
    command = [sys.executable, "-m", "tinycomp", *arguments(written, output, *options)]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 240
    while not list(output.glob("models/*.tflite")) and time.monotonic() < end:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    first = {path.name: path.stat().st_mtime_ns for path in output.glob("models/*.tflite")}
    assert first
    subprocess.run(command, check=True, capture_output=True)
    later = {path.name: path.stat().st_mtime_ns for path in output.glob("models/*.tflite")}
    assert {name: later[name] for name in first} == first
    with (output / "candidates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    short = [row for row in rows if row["epochs"] == "2"]
    assert 6 <= len(short) <= 6 * int(jobs)  # two workers may have trained the same ones
    assert len([row for row in rows if row["epochs"] == "6"]) >= 2
    assert not list((output / "unfinished").iterdir())

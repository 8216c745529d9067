"""A board file of the user's own: the folder that is built for it remembers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Command, Refusal, needs_gcc

import tinycomp
from tinycomp.proof.built_for import board_of
from tinycomp.report.record import read_report

ROVER = 'title = "Rover"\nbased_on = "nucleo-l4r5zi"\n[memory]\nflash = 1000000\n'
OPTIONS = ("--no-verify", "--no-bench", "-o", "out")


@pytest.fixture
def rover(folder: Path, run: Command) -> Path:
    """A build for rover.toml, in a folder below, which is removed afterwards."""
    (folder / "own").mkdir()
    (folder / "own" / "rover.toml").write_text(ROVER, encoding="utf-8")
    done = run("build", "model.tflite", "--board", "own/rover.toml", *OPTIONS)
    assert done.code == 0, done.err
    (folder / "own" / "rover.toml").unlink()
    return folder / "out"


def test_a_build_names_it_in_the_next_steps(folder: Path, run: Command) -> None:
    Path("rover.toml").write_text(ROVER, encoding="utf-8")
    done = run("build", "model.tflite", "--board", "rover.toml", *OPTIONS)
    assert done.code == 0, done.err
    assert "--board rover.toml -o out-data" in " ".join(done.out.split())


def test_the_folder_remembers_it(rover: Path, run: Command) -> None:
    report = read_report(rover)
    assert report.board == "rover"
    assert board_of(report).memory.flash == 1_000_000
    assert report.room is not None
    assert report.room.flash < 1_000_000
    assert tinycomp.Build(rover).save(rover.parent / "copy").is_dir()
    done = run("flash", "out", "--dry-run")
    assert done.code == 0, done.err
    assert "openocd" in done.out
    assert run("inspect", "out").code == 0


@needs_gcc
def test_it_is_verified_and_compared_with_other_boards(rover: Path, run: Command) -> None:
    verified = run("verify", "out", "--samples", "2")
    assert verified.code == 0, verified.err
    done = run("bench", "out", "--board", "cortex-m4", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["board"], found["own_board"]) == ("cortex-m4", None)
    assert found["room"]["flash"] > 4_000_000


def test_a_model_is_no_folder(folder: Path, refusal: Refusal) -> None:
    assert refusal("flash", "model.tflite").startswith(
        "'model.tflite' is a file. Expected a folder"
    )

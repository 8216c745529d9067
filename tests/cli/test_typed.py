"""The command line that a report records."""

from __future__ import annotations

import pytest
from typer.main import get_command

from tinycomp.cli.app import app
from tinycomp.cli.typed import READING, command_line, reading_options


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("build m.tflite -o out --force --board uno", "tinycomp build m.tflite --board uno"),
        ("build m.tflite --output=out --stream 1", "tinycomp build m.tflite --stream 1"),
        ("build /home/me/m.tflite --output /tmp/x", "tinycomp build m.tflite"),
        ("build ../m.tflite --data a/b.npz", "tinycomp build ../m.tflite --data a/b.npz"),
        ("build m.tflite -o", "tinycomp build m.tflite"),
    ],
)
def test_what_changes_nothing_is_left_out(
    typed: str, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/tinycomp", *typed.split()])
    assert command_line() == recorded


def test_words_with_spaces_are_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["tinycomp", "build", "my model.tflite"])
    assert command_line() == "tinycomp build 'my model.tflite'"


def test_options_of_the_data_as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = "build m.keras --data d --input-scale 1/255 --board uno --class-names=b,a -o out"
    monkeypatch.setattr("sys.argv", ["tinycomp", *typed.split()])
    assert reading_options() == ("--input-scale", "1/255", "--class-names=b,a")


@pytest.mark.parametrize("command", ["build", "compress", "search", "simulate"])
def test_each_command_that_reads_labels_has_them(command: str) -> None:
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    there = {option for each in parameters for option in each.opts}
    assert set(READING) <= there

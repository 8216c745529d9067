"""The command line that a report records."""

from __future__ import annotations

import pytest

from tinycomp.cli.typed import command_line


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

"""docs/errors.md quotes messages as they are in the code, and all of those about boards, tools,
devices and folders.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from error_messages import GAP, Message, messages

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
COMPLETE = ("cli/", "device/", "emit/", "folder_checks.py", "hardware.py", "mlperf.py",
            "pipeline.py", "proof/", "report/", "simulating.py", "target/")  # fmt: skip
"""Modules whose messages are all on the page."""
KINDS = {
    *("BoardError", "DataError", "DeviceError", "DifferenceError", "FitError", "OutputError"),
    "ToolError",
}
FOUND = list(messages())


def quoted() -> list[str]:
    return re.findall(r"^> - `(.*)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("quote", quoted())
def test_a_quoted_message_is_in_the_code(quote: str) -> None:
    assert quote in {message.text for message in FOUND}


def about_hardware() -> list[Message]:
    chosen = [m for m in FOUND if m.kind in KINDS and m.module.startswith(COMPLETE)]
    assert len(chosen) > 80
    return chosen


@pytest.mark.parametrize("message", about_hardware(), ids=lambda message: message.text[:60])
def test_every_message_about_hardware_is_quoted(message: Message) -> None:
    assert message.text in quoted(), f"{message.module}: explain it in docs/errors.md"


def test_no_message_is_quoted_twice() -> None:
    assert len(quoted()) == len({*quoted()})


def test_each_quote_is_explained() -> None:
    """After a block of quotes comes a paragraph of its own."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n") if block.strip()]
    for first, second in itertools.pairwise(blocks):
        if first.startswith("> "):
            assert not second.startswith((">", "#")), first


def test_gaps_are_found() -> None:
    """The reader of the code sees what is filled in."""
    texts = {message.text for message in FOUND}
    assert f"There is no board {GAP}." in texts
    assert all("{" not in text for text in texts)

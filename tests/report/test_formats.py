"""Formats have numbers: reports of older versions are read, those of newer ones refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tinycomp.common.errors import OutputError
from tinycomp.common.resources import firmware
from tinycomp.device.protocol import PROTOCOL
from tinycomp.emit.library import FORMAT as LIBRARY_FORMAT
from tinycomp.report.html import html
from tinycomp.report.record import FORMAT, REPORT_NAME, read_report, to_json

OLD = Path(__file__).parent / "old_reports" / "format_1.json"
"""Of tests/golden/small.tflite, as tinycomp 0.1.0 wrote it for cortex-m4."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copy(OLD, tmp_path / REPORT_NAME)
    return tmp_path


def test_a_report_without_a_number_is_read(old: Path) -> None:
    report = read_report(old)
    assert report.generator == "0.1.0"
    assert report.flash is not None
    assert report.flash.total == 6102 + 443
    assert report.memory is not None
    assert [span.layer for span in report.memory.spans][:2] == ["conv_2d", "depthwise_conv_2d"]
    assert "6,545 bytes" in html(report)


def test_it_is_written_in_the_new_format(old: Path) -> None:
    before = json.loads(OLD.read_text())
    after = json.loads(to_json(read_report(old)))
    assert "format" not in before
    assert next(iter(after.items())) == ("format", FORMAT)
    assert {key: after[key] for key in before if key != "layers"} == {
        key: value for key, value in before.items() if key != "layers"
    }
    for new, was in zip(after["layers"], before["layers"], strict=True):
        assert new.items() >= was.items()


@pytest.mark.parametrize("number", [FORMAT + 1, 0, -1, "2", None, 1.5])
def test_other_numbers_are_refused(old: Path, number: object) -> None:
    content = {"format": number, "generator": "9.9", "unknown": []}
    (old / REPORT_NAME).write_text(json.dumps(content))
    with pytest.raises(
        OutputError,
        match=rf"has format {number}, written by tinycomp 9\.9\. Expected format 1 to {FORMAT}\.",
    ):
        read_report(old)


def test_a_field_of_a_later_version_is_ignored(old: Path) -> None:
    content = json.loads(to_json(read_report(old)))
    (old / REPORT_NAME).write_text(json.dumps({**content, "later": 1}))
    assert to_json(read_report(old)) == json.dumps(content, indent=2) + "\n"


def test_a_wrong_value_is_named_by_its_place(old: Path) -> None:
    content = json.loads(OLD.read_text())
    content["layers"][3]["macs"] = "many"
    (old / REPORT_NAME).write_text(json.dumps(content))
    with pytest.raises(OutputError, match=r"can't be read: layers\.3\.macs: Input should be a"):
        read_report(old)


def defined(macro: str, header: str) -> int:
    text = (firmware() / header).read_text()
    return int(re.search(rf"#define {macro} (\d+)", text)[1])  # type: ignore[index]


def test_numbers_in_c_are_those_in_python() -> None:
    assert defined("TC_VERSION", "kernels/tinycomp.h") == LIBRARY_FORMAT
    assert defined("TC_PROTOCOL", "harness/protocol.h") == PROTOCOL

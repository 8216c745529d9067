"""`tinycomp report`, and the workflow that fails when flash grows."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Command, Refusal, needs_m4
from golden_files import GOLDEN

from tinycomp.report.record import Report, read_report, to_json

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = GOLDEN.parents[1]
OLD = ROOT / "tests" / "report" / "old_reports" / "format_1.json"


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Two builds: in old/ and new/, where the code is 65 bytes (1 %) larger."""
    monkeypatch.chdir(tmp_path)
    found = read_report(OLD)
    assert found.flash is not None
    grown = replace(found, flash=replace(found.flash, code=found.flash.code + 65))
    for name, report in (("old", found), ("new", grown)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(to_json(report))
    return grown


def test_one_build(reports: Report, run: Command, tmp_path: Path) -> None:
    done = run("report", "new", "-o", "page.html")
    assert done.code == 0
    assert "6,610 bytes" in done.words
    assert "Fits cortex-m4" in (tmp_path / "page.html").read_text()


def test_two_builds(reports: Report, run: Command, tmp_path: Path) -> None:
    done = run("report", "new", "old/report.json", "-o", "page.html")
    assert done.code == 0
    assert "before in old/report.json, now in new" in done.words
    assert "flash, bytes 6,545 6,610 +65 (+1.0 %)" in done.words
    assert "old/report.json before" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(("limit", "code"), [("1%", 0), ("65", 0), ("64", 1), ("0.9%", 1)])
def test_limits(limit: str, code: int, reports: Report, run: Command) -> None:
    done = run("report", "new", "old", "--max-flash-growth", limit, "--max-ram-growth", "0")
    assert done.code == code
    assert ("flash grew by +65 (+1.0 %), from 6,545 to 6,610 bytes" in done.err) == bool(code)


def test_refusals(reports: Report, refusal: Refusal, tmp_path: Path) -> None:
    assert "needs a build to compare with" in refusal("report", "new", "--max-ram-growth", "1")
    text = refusal("report", "new", "old", "--max-flash-growth", "much")
    assert "--max-flash-growth much is no limit" in text
    assert "holds no report.json" in refusal("report", ".")
    (tmp_path / "page.html").write_text("mine")
    assert "'page.html' exists" in refusal("report", "new", "-o", "page.html")
    assert "There is no" in refusal("report", "new", "absent.json")


@pytest.mark.slow
@needs_m4
def test_the_workflow_fails_when_flash_grows(
    tmp_path: Path, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own commands: accepted sizes pass, smaller accepted ones fail it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(GOLDEN / "small.tflite", "model.tflite")
    workflow = yaml.safe_load((ROOT / "examples" / "ci" / "model-size.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["size"]["steps"]]
    build, compare = (shlex.split(step)[1:] for step in steps if step.startswith("tinycomp "))
    assert run(*build).code == 0
    accepted = tmp_path / "size" / "report.json"
    accepted.parent.mkdir()
    shutil.copy(tmp_path / "out" / "report.json", accepted)
    assert run(*compare).code == 0
    content = json.loads(accepted.read_text())
    content["flash"]["code"] -= content["flash"]["code"] // 50
    accepted.write_text(json.dumps(content))
    (tmp_path / "comparison.html").unlink()
    done = run(*compare)
    assert done.code == 1
    assert "flash grew by" in done.err
    assert (tmp_path / "comparison.html").is_file()

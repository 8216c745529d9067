"""Windows, as far as another system can show it: modules that it lacks, line ends and encodings.
windows_process.py runs the commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_models import small_classifier

from tinycomp.cli.app import app
from tinycomp.quantization.export import write_tflite

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("windows_process.py")
BUILD = ("build", "model.tflite", "-d", "data.npz", "-b", "uno", "-o")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this is Windows")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and data with labels."""
    found = tmp_path_factory.mktemp("other")
    graph = small_classifier()
    (found / "model.tflite").write_bytes(write_tflite(graph))
    x = np.random.default_rng(0).normal(size=(12, *graph.sample_shape))
    np.savez(found / "data.npz", x=x.astype(np.float32), y=np.arange(12) % 5)
    return found


def python(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A Python program in the folder, with this checkout."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def on_windows(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as on Windows."""
    return python(folder, PROGRAM, *arguments)


def test_every_command_explains_itself(folder: Path) -> None:
    names = [
        each.name or each.callback.__name__
        for each in app.registered_commands
        if each.callback is not None and not each.hidden
    ]
    assert {"build", "verify", "serve", "flash"} <= {*names}
    program = f"""
import runpy, sys
for name in {names!r}:
    sys.argv = ["windows_process.py", name, "--help"]
    try:
        runpy.run_path({str(PROGRAM)!r})
    except SystemExit as end:
        assert not end.code, name
"""
    done = python(folder, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Exit codes:") == len(names)


@pytest.mark.slow
def test_a_build_is_the_same_in_every_byte(folder: Path) -> None:
    here = python(folder, "-m", "tinycomp", *BUILD, "here", "--no-bench")
    there = on_windows(folder, *BUILD, "there", "--no-bench")
    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert "litert, simulator" in there.stdout
    names = {each.relative_to(folder / "here") for each in (folder / "here").rglob("*.*")}
    assert len(names) > 10
    of_reports = {Path("report.json"), Path("report.html"), Path(".tinycomp-manifest.json")}
    for name in names - of_reports:  # they name the command line
        if (folder / "here" / name).is_file():
            ours = (folder / "here" / name).read_bytes()
            assert (folder / "there" / name).read_bytes() == ours, name
            assert b"\r\n" not in ours or name.suffix == ".tflite", name
    done = on_windows(folder, "verify", "there")
    assert "Equal in every byte" in done.stdout, done.stderr
    assert "this system has no pseudo-terminals" in on_windows(folder, "serve", "there").stderr


def test_a_model_is_inspected_and_boards_are_listed(folder: Path) -> None:
    assert "fully_connected" in on_windows(folder, "inspect", "model.tflite", "-v").stdout
    assert "esp32" in on_windows(folder, "boards").stdout


def test_no_file_is_read_or_written_in_the_encoding_of_the_system(folder: Path) -> None:
    """Only Python's own and tinycomp's calls count: warnings name the caller."""
    program = f"""
import sys, warnings
warnings.filterwarnings("error", category=EncodingWarning, module="tinycomp")
sys.argv = ["tinycomp", *{[*BUILD, "plain"]!r}]
from tinycomp.cli.main import main
main()
"""
    done = python(folder, "-X", "warn_default_encoding", "-c", program)
    assert done.returncode == 0, done.stderr
    assert "EncodingWarning" not in done.stderr

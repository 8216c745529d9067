"""The help of every command equals the golden file, and imports no slow package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Command, needs_gcc
from golden_files import GOLDEN, Golden

from tinycomp import __version__
from tinycomp.cli.main import app

COMMANDS = sorted(str(command.callback.__name__) for command in app.registered_commands)  # type: ignore[union-attr]
HEAVY = {
    *("tensorflow", "keras", "numpy", "ai_edge_litert", "jinja2", "serial", "h5py"),
    *("elftools", "flatbuffers", "sklearn"),
}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns, no colours."""
    for name, value in (("COLUMNS", "80"), ("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def words(text: str) -> list[str]:
    """The text without Typer's frames and line breaks."""
    return re.sub(r"[─│╭╮╰╯]", " ", text).split()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_equals_the_golden_file(command: str, run: Command, golden: Golden) -> None:
    done = run(*command.split(), "--help")
    assert (done.code, done.err) == (0, "")
    text = "".join(line.rstrip() + "\n" for line in done.out.splitlines())
    assert words(golden.text(f"help/{command or 'tinycomp'}.txt", text)) == words(done.out)


def test_every_golden_file_has_a_command() -> None:
    assert {path.stem for path in (GOLDEN / "help").iterdir()} == {"tinycomp", *COMMANDS}


def test_every_option_has_a_help_text(run: Command) -> None:
    for command in COMMANDS:
        lines = run(command, "--help").out.splitlines()
        options = [line for line in lines if re.match(r"│ +(--\w|-\w|\*)", line)]
        assert all(len(words(line)) > 3 for line in options), command


def test_no_command_shows_the_help(run: Command) -> None:
    done = run()
    assert "Usage: tinycomp" in done.out + done.err
    assert "Traceback" not in done.err


def test_version(run: Command) -> None:
    assert run("--version").out == f"tinycomp {__version__}\n"


RUN = """
from tinycomp.cli.main import main
try:
    main()
except SystemExit as stop:
    assert not stop.code
"""


def modules(script: str, folder: Path, *arguments: str) -> set[str]:
    """The packages that a new Python process has imported at the end of a script."""
    script += "\nprint(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    command = [sys.executable, "-c", f"import sys\n{script}", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """So that it is fast."""
    loaded = modules(RUN, tmp_path, "build", "--help")
    assert "typer" in loaded
    assert not loaded & HEAVY


@needs_gcc
def test_a_build_from_tflite_imports_no_tensorflow(folder: Path) -> None:
    """Not even with data, compression, evaluation and verification."""
    options = ("--data", "data.npz", "--codebook-bits", "4", "--sparsity", "0.2")
    loaded = modules(RUN, folder, "build", "model.tflite", "-o", "out", *options)
    assert (folder / "out" / "report.json").is_file()
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "sklearn"}

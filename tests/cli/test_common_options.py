"""What every command has: -h, -q, -v, --json, completion; exit codes; plain lines without a
terminal.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Command, Refusal, needs_m4

from tinycomp.cli import stages
from tinycomp.cli.app import app
from tinycomp.cli.terminal_progress import PLAIN_END, TerminalProgress
from tinycomp.common.errors import (
    DifferenceError,
    FitError,
    ModelError,
    OverflowingError,
    TinycompError,
    ToolError,
)

COMMANDS = sorted(str(command.callback.__name__) for command in app.registered_commands)  # type: ignore[union-attr]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_common_options(command: str, run: Command) -> None:
    short, long = run(command, "-h"), run(command, "--help")
    assert short == long
    for option in ("--quiet", "--verbose", "--json", "-q", "-v"):
        assert option in long.out
    assert "Exit codes: 0 equal, or fits;" in " ".join(long.out.split())


def test_python_m(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinycomp", "--version"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("tinycomp ")


def test_completion_is_offered(run: Command) -> None:
    assert "--install-completion" in run("--help").out


def test_completion_proposes_boards() -> None:
    environment = {
        **os.environ, "_TINYCOMP_COMPLETE": "complete_bash",
        "COMP_WORDS": "tinycomp build m.keras --board esp", "COMP_CWORD": "4",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tinycomp"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    proposed = done.stdout.split()
    assert {"esp32", "esp32c3", "esp8266"} <= {*proposed}
    assert all(name.startswith("esp") for name in proposed)


@pytest.mark.parametrize(
    ("kind", "code"),
    [(DifferenceError, 1), (ModelError, 2), (TinycompError, 2), (FitError, 3),
     (OverflowingError, 3), (ToolError, 4)],
)  # fmt: skip
def test_exit_codes(
    kind: type[TinycompError],
    code: int,
    folder: Path,
    run: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> None:
        raise kind("It failed.")

    monkeypatch.setattr("tinycomp.simulating.simulate", fail)
    done = run("simulate", "model.tflite", "--data", "data.npz")
    assert (done.code, done.err) == (code, "Error: It failed.\n")
    assert f"| {code} |" in (Path(__file__).parents[2] / "docs" / "errors.md").read_text()


def test_a_stage_is_a_line_without_a_terminal(folder: Path, run: Command) -> None:
    done = run("simulate", "model.tflite", "--data", "data.npz")
    lines = [line for line in done.err.splitlines() if not line.startswith("Note: ")]
    assert lines == [
        f"[1/3] Reading model.tflite{PLAIN_END}",
        f"[2/3] Reading data.npz{PLAIN_END}",
        f"[3/3] Simulating 12 samples{PLAIN_END}",
    ]


def test_quiet(folder: Path, run: Command) -> None:
    done = run("simulate", "model.tflite", "--data", "data.npz", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")
    done = run("simulate", "model.tflite", "--data", "absent.npz", "-q")
    assert done.code == 2
    assert done.err.startswith("Error: There is no data file 'absent.npz'.")


def test_json(folder: Path, run: Command) -> None:
    done = run("simulate", "model.tflite", "--data", "data.npz", "--json")
    found = json.loads(done.out)
    assert found["samples"] == found["score"]["samples"] == 12
    done = run("quantize", "model.tflite", "-o", "copy.tflite", "--json")
    size = (folder / "copy.tflite").stat().st_size
    assert json.loads(done.out) == {"output": "copy.tflite", "bytes": size}
    names = [board["name"] for board in json.loads(run("boards", "--json").out)]
    assert {"host", "uno", "esp32"} <= {*names}
    assert json.loads(run("boards", "uno", "--json").out)["clock"] == 16_000_000


@needs_m4
def test_reports_as_json(emulated: Path, run: Command) -> None:
    found: dict[str, Any] = json.loads(run("inspect", "out", "--json").out)
    assert found == json.loads((emulated / "out" / "report.json").read_text())
    found = json.loads(run("verify", "out", "--json").out)
    assert found["equal"]
    assert found["executions"] == ["litert", "simulator", "host", "device"]


@needs_m4
def test_answers_come_first_and_commands_last(emulated: Path, run: Command) -> None:
    lines = run("inspect", "out").out.splitlines()
    assert lines[0].startswith("model: Fits cortex-m4: ")
    wanted = ("Flash ", "RAM ", "Instructions", "Accuracy ", "As plain int8", "Layers", "Next:")
    order = [next(n for n, line in enumerate(lines) if text in line) for text in wanted]
    assert order == sorted(order)
    assert sum("tinycomp " in line for line in lines[order[-1] :]) <= 4
    assert "Shares" not in "\n".join(lines)
    assert "Shares" in run("inspect", "out", "-v").out


@needs_m4
def test_all_stages_of_a_build_are_counted(folder: Path, run: Command) -> None:
    done = run("build", "model.tflite", "-o", "out", "-d", "data.npz", "-b", "cortex-m4",
               "--codebook-bits", "3")  # fmt: skip
    numbers = [
        tuple(map(int, found)) for found in re.findall(r"\[(\d+)/(\d+)\] .* \.\.\.", done.err)
    ]
    total = numbers[-1][1]
    assert [n for n, _ in numbers] == list(range(1, total + 1))


def test_the_number_of_stages_is_right_from_the_start(
    capfd: pytest.CaptureFixture[str],
) -> None:
    progress = TerminalProgress(("Reading", "Reading", "Verifying"))
    for title in ("Reading a", "Thinking", "Verifying b", "Measuring"):
        with progress.stage(title):
            pass
    lines = [line for line in capfd.readouterr().err.splitlines() if line]
    assert [line.split("]")[0] for line in lines] == ["[1/3", "[1/3", "[3/3", "[3/3"]


def test_stages_without_data_verification_and_board() -> None:
    found = stages.building(
        Path("m.tflite"), None, "host", compressed=False, verify=False, bench=False
    )
    assert found == ["Reading", "Planning", "Measuring code"]


def test_stages_that_take_missing_tools_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, *_, **__: None)
    found = stages.building(
        Path("m.keras"), Path("d.npz"), "cortex-m4", compressed=True, verify=True, bench=True
    )
    assert "Verifying" in found
    assert {"Measuring code", "Measuring on", "Compiling for", "Building plain"} & {*found} == set()


@needs_m4
def test_a_port_that_does_not_exist_is_noticed_before_anything_is_compiled(
    emulated: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_nothing(*_: object) -> None:
        raise AssertionError("it was compiled")

    monkeypatch.setattr("tinycomp.target.toolchain._compile", compile_nothing)
    for command in ("bench", "verify"):
        text = refusal(command, "out", "--port", "/dev/ttyABSENT")
        assert text.startswith("Port /dev/ttyABSENT can't be opened (No such file or directory)")


def test_a_folder_below_a_file_is_refused_before_the_work(folder: Path, refusal: Refusal) -> None:
    (folder / "file").write_text("text")
    (folder / "float.keras").write_bytes(b"not even read")
    text = refusal("build", "float.keras", "-d", "data.npz", "-o", "file/out")
    assert text.startswith("'file/out' can't be written: '")
    assert "file' is a file." in text


def test_a_folder_without_permission_is_refused_before_the_work(
    folder: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    (folder / "float.keras").write_bytes(b"not even read")
    text = refusal("build", "float.keras", "-d", "data.npz", "-o", "new/out")
    assert "there is no permission to write in" in text


def test_outputs_come_with_their_scale(folder: Path, run: Command) -> None:
    import numpy as np

    from tinycomp.frontend.tflite import read_tflite

    assert run("simulate", "model.tflite", "-d", "data.npz", "-o", "y.npz").code == 0
    graph = read_tflite(folder / "model.tflite")
    expected = graph.tensors[graph.outputs[0]].quantization
    found = np.load(folder / "y.npz")
    assert expected is not None
    assert found["scale"] == np.float32(expected.scale)
    assert found["zero_point"] == expected.zero_point
    real = (found["output"].astype(float) - found["zero_point"]) * found["scale"]
    np.testing.assert_allclose(real.sum(axis=-1), 1, atol=0.02)  # a softmax

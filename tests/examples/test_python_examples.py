"""The Python programs of examples/ and the notebook, shortened, and the C beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tinycomp

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.slow


def run(name: str, folder: Path, *options: str) -> dict[str, float]:
    """The numbers that a program prints, by the words before them."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT,)))}
    done = subprocess.run(
        [sys.executable, EXAMPLES / name / f"{name}.py", *options, "-o", "out"],
        cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.stdout.rstrip().endswith("Wrote out")
    found = re.findall(r"^([a-z0-9 ]+): ([0-9.]+)", done.stdout, re.MULTILINE)
    return {words: float(number) for words, number in found}


def test_sine(tmp_path: Path) -> None:
    found = run("sine", tmp_path, "--epochs", "60")
    assert found["float error"] < 0.1
    assert abs(found["int8 error"] - found["float error"]) < 0.03
    if shutil.which("gcc") is None:
        return
    library = tmp_path / "out" / "library"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{library}"]
    sources = [EXAMPLES / "sine" / "sine.c", *library.glob("*.c")]
    command = ["gcc", *flags, *sources, "-lm", "-o", tmp_path / "sine"]
    subprocess.run(command, check=True, timeout=120)
    said = subprocess.run([tmp_path / "sine"], check=True, capture_output=True, text=True).stdout
    pairs = re.findall(r"= (-?[0-9.]+), by the network (-?[0-9.]+)", said)
    assert len(pairs) == 8
    assert all(abs(float(real) - float(found)) < 0.3 for real, found in pairs)


def test_digits(tmp_path: Path) -> None:
    found = run("digits", tmp_path, "--epochs", "12")
    assert found["float"] > 85
    assert found["int8"] > 85
    report = tinycomp.Build(tmp_path / "out").report
    assert report.compression["codebook_bits"] == 4
    assert report.verify[0].samples == 8


def test_anomaly(tmp_path: Path) -> None:
    found = run("anomaly", tmp_path, "--epochs", "40")
    assert found["area under curve"] > 80
    assert found["false alarms"] < 10


def test_activity(tmp_path: Path) -> None:
    found = run("activity", tmp_path, "--epochs", "8")
    assert found["float"] > 80
    assert abs(found["int8"] - found["float"]) < 3
    assert '"walk"' in (tmp_path / "out" / "library" / "activity.h").read_text()


def test_keywords(tmp_path: Path) -> None:
    """The features in C are those of the training in every bit, and the library hears the word."""
    found = run("keywords", tmp_path, "--epochs", "12")
    assert found["float"] > 85
    assert abs(found["int8"] - found["float"]) < 5
    if shutil.which("gcc") is None:
        return
    out = tmp_path / "out"
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", *sanitize]
    include = [f"-I{folder}" for folder in (out / "library", out / "features")]
    sources = [*(EXAMPLES / "keywords").glob("*.c"), *(out / "library").glob("*.c")]
    command = ["gcc", *flags, *include, *sources, "-lm", "-o", tmp_path / "keywords"]
    subprocess.run(command, check=True, timeout=120)
    sound = (out / "sound.raw").read_bytes()
    *features, word, score = subprocess.run(
        [tmp_path / "keywords", "-"], input=sound, check=True, capture_output=True
    ).stdout.split()
    assert [int(each) for each in features] == features_in_python(out)
    assert word.decode() in {"down", "noise", "trill", "up"}
    assert 0.25 < float(score) <= 1


def features_in_python(out: Path) -> list[int]:
    """Features of the sound that the example wrote."""
    program = (
        "import sys, numpy; from log_mel import LogMel; "
        "sound = numpy.fromfile(sys.argv[1], '<i2')[None]; "
        "print(*LogMel(sound.shape[1]).of(sound).reshape(-1))"
    )
    command = [sys.executable, "-c", program, out / "sound.raw"]
    folder = EXAMPLES / "keywords"
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [int(each) for each in done.stdout.split()]


def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells in order, as a kernel runs them; they keep no outputs."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "tinycomp.ipynb").read_text())
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    assert all(each["outputs"] == [] for each in cells)
    names: dict[str, Any] = {}
    for cell in cells:
        source = "".join(cell["source"]).replace("EPOCHS = 20", "EPOCHS = 5")
        exec(compile(source, "cell", "exec"), names)
    assert names["accuracy"] > 0.7
    assert names["build"]._repr_html_().startswith("<iframe")
    assert (tmp_path / "digits-out" / "report.json").is_file()

"""Data of other formats than .npz through the command line, and numbers as fractions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal

from tinycomp.cli.options import number


@pytest.mark.parametrize(
    ("text", "value"), [("1/255", 1 / 255), ("0.5", 0.5), ("-2/4", -0.5), ("1e-3", 1e-3)]
)
def test_fractions(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["1/0", "", "a/b", "1/2/3", "one"])
def test_what_is_no_number(text: str, folder: Path, run: Command) -> None:
    done = run("simulate", "model.tflite", "--data", "data.npz", "--input-scale", text)
    assert done.code == 2
    assert "is not a number. Expected one such as 0.5 or 1/255." in " ".join(
        done.err.replace("│", " ").split()
    )


def test_a_table_scores_as_the_same_arrays(folder: Path, run: Command) -> None:
    arrays = np.load(folder / "data.npz")
    rows = arrays["x"].reshape(len(arrays["x"]), -1)
    lines = [
        ",".join([*(f"{value:.9g}" for value in row), f"{label}"])
        for row, label in zip(rows, arrays["y"], strict=True)
    ]
    names = [*(f"v{n}" for n in range(rows.shape[1])), "label"]
    (folder / "data.csv").write_text("\n".join([",".join(names), *lines]))
    by_arrays = run("simulate", "model.tflite", "--data", "data.npz")
    by_table = run("simulate", "model.tflite", "--data", "data.csv")
    assert by_arrays.code == by_table.code == 0
    assert by_table.out == by_arrays.out


def test_a_pair_of_files(folder: Path, run: Command) -> None:
    arrays = np.load(folder / "data.npz")
    np.save(folder / "samples.npy", arrays["x"])
    np.save(folder / "classes.npy", arrays["y"])
    expected = run("simulate", "model.tflite", "--data", "data.npz").out
    done = run("simulate", "model.tflite", "-d", "samples.npy", "--labels", "classes.npy")
    assert (done.code, done.out) == (0, expected)


def test_the_column_of_labels(folder: Path, refusal: Refusal) -> None:
    (folder / "data.csv").write_text("a,b,c\n1,2,3\n")
    text = refusal("simulate", "model.tflite", "-d", "data.csv", "--label-column", "d")
    assert "has no column 'd'; it has 'a', 'b', 'c'." in text

"""Tables: headers, label columns, delimiters, and the text of every error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.options.data import DataOptions

VALUES = np.array([[1.5, 2.0], [-3.0, 4e-1], [5.0, 6.0]])


def load(
    folder: Path, text: str, column: str | None = None, shape: tuple[int, ...] = (2,)
) -> Dataset:
    (folder / "data.csv").write_text(text, encoding="utf-8")
    return load_data(folder / "data.csv", shape, DataOptions(label_column=column))


def refused(folder: Path, text: str, column: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, text, column)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "column", "labels"),
    [
        ("a,b,label\n1.5,2,0\n-3,0.4,1\n5,6,0\n", None, [0, 1, 0]),
        ("a,Class,b\n1.5,yes,2\n-3,no,0.4\n5,yes,6\n", None, ["yes", "no", "yes"]),
        ("a,b,kind\n1.5,2,yes\n-3,0.4,no\n5,6,yes\n", None, ["yes", "no", "yes"]),
        ("1.5,2,yes\n-3,0.4,no\n5,6,yes\n", None, ["yes", "no", "yes"]),
        ("a,b,gesture\n1.5,2,7\n-3,0.4,8\n5,6,7\n", "gesture", [7, 8, 7]),
        ("0.5,1.5,2\n0.25,-3,0.4\n0.5,5,6\n", "1", [0.5, 0.25, 0.5]),
        ("a;b;y\n1.5;2;0\n-3;0.4;1\n5;6;0\n", None, [0, 1, 0]),
        ("\ufeffa\tb\ty\n1.5\t2\t0\n\n-3\t0.4\t1\n5\t6\t0\n", None, [0, 1, 0]),
        ("a;b;y\n1,5;2,0;0\n-3;,4;1\n5e0;0,6e1;0\n", None, [0, 1, 0]),
        ('a,b,y\n1.5,2,"x, y"\n-3,0.4,z\n5,6,z\n', None, ["x, y", "z", "z"]),
    ],
)
def test_values_and_labels(
    text: str, column: str | None, labels: list[object], tmp_path: Path
) -> None:
    found = load(tmp_path, text, column)
    np.testing.assert_array_equal(found.x_test, VALUES.astype(np.float32))
    assert found.y_test is not None
    assert found.y_test.tolist() == labels


def test_a_row_is_read_in_the_order_of_the_input(tmp_path: Path) -> None:
    found = load(tmp_path, "1,2,3,4,a\n5,6,7,8,b\n", shape=(2, 2, 1))
    np.testing.assert_array_equal(found.x[1, :, :, 0], [[5, 6], [7, 8]])


def test_how_it_was_read_is_said(tmp_path: Path) -> None:
    note = load(tmp_path, "a,b,kind\n1.5,2,yes\n-3,0.4,no\n").notes[0]
    assert note == (
        "data.csv is read as 2 samples of 2 values, labels in column 'kind' (another one: "
        "--label-column)."
    )
    note = load(tmp_path, "a;b;kind\n1,5;2;yes\n-3;0,4;no\n").notes[0]
    assert "2 samples of 2 values, with decimal commas, labels in column 'kind'" in note
    note = load(tmp_path, "1.5,2\n-3,0.4\n").notes[0]
    assert "2 samples of 2 values, without a header, without labels. Name the column" in note


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", None, "holds no samples. Expected one row for each sample."),
        ("a,b,y\n", None, "holds no samples."),
        ("a,b,y\n1,2,0\n1,2\n", None, "Line 3 of"),
        ("a,b,y\n1,2,0\n\n1,,1\n", None, "Line 4 of"),
        ("a,b,y\n1,2,0\n1,x,1\n", None, "column 'b' holds 'x'. Expected a number in every"),
        ("a,b,y\n1,2,0\n1,,1\n", None, "column 'b' is empty."),
        ("a,b,y\n1,2,0\n2,3,1\n", "z", "has no column 'z'; it has 'a', 'b', 'y'."),
        ("y\n1\n2\n", None, "has no columns but that of labels."),
        ("a,b,y\n1,2,0\nnan,3,1\n", None, "holds NaN or infinite values in 1 of 2 samples"),
        ("a,y\n1,0\n2,1\n", None, "the model's input has the shape (2,)"),
    ],
)
def test_refused(text: str, column: str | None, message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, text, column)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is not a table of text"):
        load_data(tmp_path / "data.csv", (2,))


def test_columns_that_are_no_inputs_are_named(tmp_path: Path) -> None:
    said = refused(tmp_path, "row,a,b,kind\n1,1.5,2,yes\n2,-3,0.4,no\n")
    assert "It has 3 columns of values ('row', 'a', 'b'), but the model's input has the" in said
    assert "remove those of other things, such as numbers of rows and times" in said


def test_names_of_classes_in_the_order_of_the_outputs(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b,kind\n1.5,2,yes\n-3,0.4,no\n")
    found = load_data(tmp_path / "data.csv", (2,), DataOptions(class_names=("yes", "no")))
    assert (found.class_names, found.label_names) == (("yes", "no"), ())

"""Reading .npz data: conventions, and the text of every error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset, load_data, open_data
from tinycomp.data.values import spread
from tinycomp.options.data import DataOptions

SHAPE = (4, 3, 1)


def save(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def values(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


def load(folder: Path, options: DataOptions | None = None, **arrays: Any) -> Dataset:
    return load_data(save(folder, **arrays), SHAPE, options)


def message(folder: Path, options: DataOptions | None = None, **arrays: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, options, **arrays)
    return str(caught.value)


def test_train_half_calibrates_and_test_half_evaluates(tmp_path: Path) -> None:
    train, test = values(6, *SHAPE), values(5, *SHAPE, seed=1)
    found = load(
        tmp_path,
        x_train=train,
        y_train=np.arange(6),
        x_test=test,
        y_test=np.arange(5, dtype=np.uint8)[:, np.newaxis],
        class_names=np.array(["a", "b"]),
    )
    np.testing.assert_array_equal(found.x, train)
    np.testing.assert_array_equal(found.x_test, test)
    np.testing.assert_array_equal(found.y, np.arange(6))
    np.testing.assert_array_equal(found.y_test, np.arange(5)[:, np.newaxis])
    assert found.class_names == ("a", "b")
    assert found.notes == ()


def test_calibration_rows_are_evenly_spaced(tmp_path: Path) -> None:
    train = values(1000, *SHAPE)
    found = load(
        tmp_path, DataOptions(calibration_samples=10), x_train=train, y_train=np.arange(1000)
    )
    np.testing.assert_array_equal(found.y, np.arange(0, 1000, 100))
    np.testing.assert_array_equal(found.x, train[::100])
    assert len(load(tmp_path, x_train=train).x) == 500


def test_spread_takes_all_if_there_are_few() -> None:
    np.testing.assert_array_equal(spread(3, 10), [0, 1, 2])
    np.testing.assert_array_equal(spread(7, 3), [0, 2, 4])
    np.testing.assert_array_equal(spread(3, None), [0, 1, 2])


def test_a_test_half_alone_calibrates_with_its_first_rows_with_a_note(tmp_path: Path) -> None:
    test = values(250, *SHAPE)
    found = load(tmp_path, x_test=test, y_test=np.zeros(250, int))
    np.testing.assert_array_equal(found.x, test[:100])
    assert len(found.x_test) == 250
    assert found.notes == ("data.npz has a test half only: calibrated on its first 100 samples.",)


@pytest.mark.parametrize("key", ["x", "x_calib"])
def test_a_single_set_is_used_for_both_with_a_note(tmp_path: Path, key: str) -> None:
    found = load(tmp_path, **{key: values(7, *SHAPE), key.replace("x", "y"): np.arange(7)})
    np.testing.assert_array_equal(found.x, found.x_test)
    assert found.y_test is not None
    assert found.notes == (f"data.npz has no test half: {key!r} calibrates and evaluates.",)


def test_int8_with_scale_and_zero_point_becomes_real(tmp_path: Path) -> None:
    stored = np.arange(-6, 6, dtype=np.int8).reshape(1, *SHAPE)
    found = load(tmp_path, x=stored, x_scale=np.float32(0.5), x_zero_point=np.int32(3))
    np.testing.assert_array_equal(found.x, (stored.astype(np.float32) - 3) * 0.5)


def test_other_integers_are_kept_and_options_scale_them(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, *SHAPE)
    arrays = {"x": pixels, "x_scale": np.float32(9), "x_zero_point": np.int32(3)}
    np.testing.assert_array_equal(load(tmp_path, **arrays).x, pixels.astype(np.float32))
    scaled = load(tmp_path, DataOptions(scale=0.25, offset=-1), **arrays)
    np.testing.assert_array_equal(scaled.x, pixels / np.float32(4) - 1)


def test_axes_of_length_one_may_be_missing(tmp_path: Path) -> None:
    assert load(tmp_path, x=values(5, 4, 3)).x.shape == (5, *SHAPE)
    assert load(tmp_path, x=values(5, 4, 1, 3)).x.shape == (5, *SHAPE)


def test_further_leading_axes_count_samples(tmp_path: Path) -> None:
    nested = values(2, 5, *SHAPE)
    np.testing.assert_array_equal(load(tmp_path, x=nested).x, nested.reshape(10, *SHAPE))


def test_named_keys(tmp_path: Path) -> None:
    features = values(5, *SHAPE)
    found = load(
        tmp_path, DataOptions(x_key="mfcc", y_key="label"), mfcc=features, label=np.arange(5)
    )
    np.testing.assert_array_equal(found.x_test, features)
    np.testing.assert_array_equal(found.y_test, np.arange(5))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no data file '.*none\.npz'\."):
        load_data(tmp_path / "none.npz", SHAPE)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off"])
def test_not_an_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz' is not an \.npz archive\. Expected an \.npz"):
        load_data(path, SHAPE)


def test_a_single_array_is_not_an_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", values(3, *SHAPE))
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(DataError, match="holds a single array"):
        load_data(tmp_path / "x.npz", SHAPE)


def test_a_damaged_member(tmp_path: Path) -> None:
    path = save(tmp_path, x=values(100, *SHAPE))
    content = bytearray(path.read_bytes())
    content[2000:2010] = b"0123456789"
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="Array 'x' can't be read"):
        load_data(path, SHAPE)


def test_unknown_arrays_are_listed(tmp_path: Path) -> None:
    text = message(tmp_path, ids=values(3, 2), labels=np.arange(3))
    assert "does not hold any of x_train and x_test, x_calib, or x; it holds ids, labels." in text
    assert "--x-key" in text


def test_a_named_array_that_does_not_exist(tmp_path: Path) -> None:
    text = message(tmp_path, DataOptions(x_key="mfcc"), x=values(3, *SHAPE))
    assert "does not hold the array 'mfcc'; it holds x." in text
    text = message(tmp_path, DataOptions(y_key="z"), x=values(3, *SHAPE))
    assert "does not hold the array 'z'" in text


@pytest.mark.parametrize(
    ("shape", "first"), [((4, 5, 3), False), ((4, 5, 3), True), ((8, 3), True), ((3, 3, 3), True)]
)
def test_channels_in_front_are_moved_behind(
    shape: tuple[int, ...], first: bool, tmp_path: Path
) -> None:
    behind = values(6, *shape)
    path = save(tmp_path, x=np.moveaxis(behind, -1, 1))
    found = load_data(path, shape, None, first)
    np.testing.assert_array_equal(found.x, behind)
    assert f"has its channels in front: they were moved behind, to {shape}" in found.notes[0]


@pytest.mark.parametrize("first", [False, True])
def test_channels_behind_stay_there(first: bool, tmp_path: Path) -> None:
    for shape in ((4, 5, 3), (8, 3), (4, 5, 1)):
        behind = values(6, *shape)
        found = load_data(save(tmp_path, x_train=behind, x_test=behind), shape, None, first)
        np.testing.assert_array_equal(found.x, behind)
        assert found.notes == ()


def test_a_signal_of_another_order_is_refused(tmp_path: Path) -> None:
    """Only the file of the model can tell that its axes are channels and time."""
    with pytest.raises(DataError, match="samples of shape"):
        load_data(save(tmp_path, x=values(6, 3, 8)), (8, 3))


def test_a_wrong_shape_names_both(tmp_path: Path) -> None:
    text = message(tmp_path, x=values(3, 4, 2, 1))
    assert "Array 'x' has the shape (3, 4, 2, 1): samples of shape (4, 2, 1)" in text
    assert "the model's input has the shape (4, 3, 1)" in text


def test_empty(tmp_path: Path) -> None:
    assert "Array 'x' is empty." in message(tmp_path, x=values(0, *SHAPE))


@pytest.mark.parametrize("dtype", ["U3", "complex64", "S2"])
def test_values_that_are_not_real_numbers(tmp_path: Path, dtype: str) -> None:
    text = message(tmp_path, x=np.zeros((3, *SHAPE), dtype))
    assert re.search(r"Array 'x' holds values of type .+\. Expected real numbers\.", text)


def test_pickles_are_refused(tmp_path: Path) -> None:
    text = message(tmp_path, x=np.array([{"a": 1}, None], dtype=object))
    assert "Array 'x' holds Python objects, which are not loaded." in text


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path: Path, bad: float) -> None:
    x = values(3, *SHAPE)
    x[1, 2, 0] = bad
    assert (
        f"Array 'x' holds NaN or infinite values in 1 of 3 samples: {bad} in row 1 at [2, 0, 0], "
        "for example. Expected finite numbers."
    ) in message(tmp_path, x=x)


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    x = values(40, *SHAPE)
    x[[20, 30], 1, 1] = np.nan
    text = message(tmp_path, DataOptions(calibration_samples=4), x=x)
    assert "': Array 'x' holds NaN or infinite values in 2 of 40 samples: nan in row 20 at" in text
    options = DataOptions(calibration_samples=3, test_samples=3)  # none of the bad rows
    assert "in 2 of 40 samples: nan in row 20 at [1, 1, 0]" in message(tmp_path, options, x=x)


def test_values_too_large_for_float32(tmp_path: Path) -> None:
    x = values(3, *SHAPE).astype(np.float64)
    x[0, 0, 0] = 1e300
    assert "inf in row 0 at [0, 0, 0]" in message(tmp_path, x=x)


@pytest.mark.parametrize(("scale", "offset"), [(np.nan, 0), (0, 1), (1, np.inf)])
def test_options_that_are_not_finite(tmp_path: Path, scale: float, offset: float) -> None:
    text = message(tmp_path, DataOptions(scale=scale, offset=offset), x=values(3, *SHAPE))
    assert text.startswith(f"--input-scale is {scale:g}, --input-offset {offset:g}. Expected")


def test_constant_samples(tmp_path: Path) -> None:
    same = np.repeat(values(1, *SHAPE), 5, axis=0)
    assert "All 5 samples of 'x' are the same" in message(tmp_path, x=same)
    assert "All 1 samples of 'x' are the same" in message(tmp_path, x=np.ones((1, *SHAPE)))


def test_labels_are_kept_as_they_are(tmp_path: Path) -> None:
    x, names = values(3, *SHAPE), np.array(["no", "yes", "no"])
    for labels in (np.eye(3), names, np.array([0.5, np.nan, 2]), np.zeros((3, 1), int)):
        found = load(tmp_path, x=x, y=labels)
        assert found.y_test is not None
        np.testing.assert_array_equal(found.y_test, labels)


def test_labels_of_further_leading_axes(tmp_path: Path) -> None:
    labels = np.arange(10).reshape(2, 5)
    found = load(tmp_path, x=values(2, 5, *SHAPE), y=labels)
    assert found.y is not None
    np.testing.assert_array_equal(found.y, np.arange(10))


@pytest.mark.parametrize("labels", [np.arange(2), np.arange(4), np.arange(0), np.int64(7)])
def test_another_number_of_labels_than_samples(tmp_path: Path, labels: np.ndarray) -> None:
    text = message(tmp_path, x=values(3, *SHAPE), y=labels)
    assert f"Array 'y' has the shape {labels.shape}, but 'x' holds 3 samples. Expected one" in text


def test_labels_that_cannot_be_used_are_a_note(tmp_path: Path) -> None:
    found = load(tmp_path, x=values(3, *SHAPE), y=np.array([1, None, "a"], object))
    assert found.y is None
    assert found.notes[0].startswith("Not scored: Array 'y' holds Python objects")


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (np.full((3, 5), np.nan), None, "Array 'x' holds NaN or infinite values in 3 of 3"),
        (np.full((3, 5), "a"), None, "Array 'x' holds values of type <U1."),
        (np.ones((3, 5)), np.arange(4), "Array 'y' has the shape (4,), but 'x' holds 3 samples."),
    ],
)
def test_what_is_checked_without_a_model(
    x: np.ndarray, y: np.ndarray | None, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=re.escape(reason)):
        open_data(save(tmp_path, x_train=x, x=x, **({} if y is None else {"y": y})))


def test_labels_of_nested_samples_are_accepted_without_a_model(tmp_path: Path) -> None:
    assert open_data(save(tmp_path, x=np.ones((2, 5, 7)), y=np.arange(10))).source.names


def test_data_beyond_any_measurement(tmp_path: Path) -> None:
    """The data are to blame, not the model that could not be quantized with them."""
    text = message(tmp_path, x=1e30 * (1 + np.abs(values(5, *SHAPE))))
    assert re.search(r"Array 'x' holds values up to \d\.\d+e\+30, of which int8", text)
    one = values(5, *SHAPE)
    one[2] = 1e30  # an outlier, which calibration leaves out
    assert load(tmp_path, x=one).x.max() > 1e29


@pytest.mark.parametrize(
    ("found", "wanted", "hint"),
    [
        ((10, 49, 1), (49, 10, 1), "np.transpose(x, (0, 2, 1, 3))"),
        ((9, 3), (3, 9), "np.transpose(x, (0, 2, 1))"),
        ((490,), (49, 10, 1), "np.reshape(x, (-1, 49, 10, 1))"),
        ((49, 11, 1), (49, 10, 1), "only axes of length 1 may differ"),
    ],
)
def test_axes_in_another_order(
    found: tuple[int, ...], wanted: tuple[int, ...], hint: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=re.escape(hint)):
        load_data(save(tmp_path, x=values(4, *found)), wanted)


@pytest.mark.parametrize(
    ("arrays", "others"),
    [(("labels",), "labels"), (("z", "target"), "z, target"), (("class_names",), ""), ((), "")],
)
def test_arrays_that_may_be_the_labels_are_named(
    arrays: tuple[str, ...], others: str, tmp_path: Path
) -> None:
    contents = {name: np.array(["a"]) for name in arrays}
    notes = load(tmp_path, x=values(9, *SHAPE), **contents).notes
    found = [note for note in notes if "of labels" in note]
    assert found == (
        [
            f"data.npz has no array 'y' of labels, but {others}: rename the one with the labels, "
            "or name it (--y-key)."
        ]
        if others
        else []
    )
    assert "of labels" not in str(load(tmp_path, x=values(9, *SHAPE), y=np.arange(9), z=1).notes)


def test_empty_halves(tmp_path: Path) -> None:
    full, empty = values(9, *SHAPE), values(0, *SHAPE)
    found = load(tmp_path, x_train=full, y_train=np.arange(9), x_test=empty, y_test=np.arange(0))
    np.testing.assert_array_equal(found.x_test, full)
    assert found.notes == (
        "Array 'x_test' of data.npz is empty: not used.",
        "data.npz has no test half: 'x_train' calibrates and evaluates.",
    )
    found = load(tmp_path, x_train=empty, x_test=full)
    np.testing.assert_array_equal(found.x, full)
    assert found.notes == (
        "Array 'x_train' of data.npz is empty: not used.",
        "data.npz has a test half only: calibrated on its first 9 samples.",
    )
    assert "Array 'x_train' is empty." in message(tmp_path, x_train=empty, x_test=empty)


def test_class_names(tmp_path: Path) -> None:
    x = values(3, *SHAPE)
    assert load(tmp_path, x=x, class_names=np.array([b"one", b"t\xc3\xbb"])).class_names == (
        "one", "tû",
    )  # fmt: skip
    assert load(tmp_path, x=x, class_names=np.arange(2)).class_names == ("0", "1")
    text = message(tmp_path, x=x, class_names=np.array("a,b,c"))
    assert "'class_names' is one value, 'a,b,c', of shape (). Expected a list of strings" in text
    text = message(tmp_path, x=x, class_names=np.array([["a", "b"]]))
    assert "'class_names' is no list, of shape (1, 2)." in text
    text = message(tmp_path, x=x, class_names=np.array(["a", "b"], object))
    assert "Array 'class_names' holds Python objects" in text
    assert "of type float64" in message(tmp_path, x=x, class_names=np.zeros(3))


def test_strings_of_both_halves_name_the_classes(tmp_path: Path) -> None:
    """A class that only one half contains has the same number in both."""
    x, words = values(3, *SHAPE), np.array(["yes", "up", "no"])
    arrays = {"x_train": x, "y_train": words, "x_test": x[:2], "y_test": np.array([b"up", b"yes"])}
    found = load(tmp_path, **arrays)
    assert (found.class_names, found.label_names) == ((), ("no", "up", "yes"))
    named = load(tmp_path, **arrays, class_names=words)
    assert (named.class_names, named.label_names) == (tuple(words), ())
    assert load(tmp_path, x=x, y=np.arange(3)).label_names == ()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("x_scale", "0.5", "'x_scale' is '0.5', of type <U3 and shape (). Expected one finite"),
        ("x_scale", [0.5, 0.25], "of type float64 and shape (2,). Expected one finite number."),
        ("x_scale", np.nan, "'x_scale' is nan,"),
        ("x_scale", 0.0, "'x_scale' is 0. Expected a number above 0."),
        ("x_zero_point", 1j, "'x_zero_point' is 0.+1.j, of type complex128"),
    ],
)
def test_scales_that_are_not_numbers(tmp_path: Path, key: str, value: Any, reason: str) -> None:
    arrays = {"x_scale": 0.5, "x_zero_point": 3, key: value}
    assert reason in message(tmp_path, x=np.arange(24, dtype=np.int8).reshape(2, *SHAPE), **arrays)


def test_half_a_scale_is_a_note(tmp_path: Path) -> None:
    stored = np.arange(12, dtype=np.int8).reshape(1, *SHAPE)
    found = load(tmp_path, x=stored, x_scale=0.5)
    np.testing.assert_array_equal(found.x, stored)
    assert found.notes[0] == (
        "data.npz holds 'x_scale' alone: not used. "
        "Int8 samples need both 'x_scale' and 'x_zero_point'."
    )


def test_all_problems_at_once(tmp_path: Path) -> None:
    bad = values(5, *SHAPE)
    bad[2] = np.nan
    text = message(
        tmp_path, x_train=bad, x_test=values(3, 7), class_names=np.array("a"),
        x_scale=np.float32(-1), x_zero_point=0,
    )  # fmt: skip
    assert "data.npz' can't be used for 4 reasons: (1) Array 'x_test' has the shape (3, 7)" in text
    assert "(2) 'x_scale' is -1. Expected a number above 0." in text
    assert "(3) 'class_names' is one value" in text
    assert "(4) Array 'x_train' holds NaN" in text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "shape", "calibration", "test"),
    [
        ("kws01", (49, 10, 1), 100, 1000),
        ("mnist", (28, 28, 1), 500, 10000),
        ("sww_stream", (30, 1, 40), 45, 45),
        ("toycar_2clips", (640,), 392, 392),
        ("har_uci", (128, 9), 500, 950),
    ],
)
def test_shared_data(
    shared: Path, name: str, shape: tuple[int, ...], calibration: int, test: int
) -> None:
    found = load_data(shared / "data" / f"{name}.npz", shape)
    assert found.x.shape == (min(calibration, 500), *shape)
    assert found.x_test.shape == (test, *shape)


@pytest.mark.shared
def test_crops_of_another_shape_are_refused(shared: Path) -> None:
    with pytest.raises(DataError, match=r"\(96, 48, 3\), but .* shape \(96, 96, 3\)"):
        load_data(shared / "data" / "person_crops.npz", (96, 96, 3))

"""Damaged, odd or hostile archives: give arrays or one clear error, and never need more memory than
the file can fill.
"""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.data.score import score
from tinycomp.data.targets import find_targets
from tinycomp.data.task import ModelShape

SHAPE = (3,)
X = np.arange(12, dtype=np.float32).reshape(4, 3)


def npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values)
    return stream.getvalue()


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """The start of a member, with any text as its header."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes(version) + length + text.encode("latin-1") + b"\n"


def described(shape: str, dtype: str = "'<f4'") -> bytes:
    return header(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}")


def archive(folder: Path, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    path = folder / "data.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(path, SHAPE)
    return str(caught.value)


def test_archives_written_by_numpy(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        for x in (X, np.asfortranarray(X), X.astype(">f8"), X.astype(np.float16)):
            save(tmp_path / "data.npz", x=x)
            np.testing.assert_array_equal(load_data(tmp_path / "data.npz", SHAPE).x, X)
    path = archive(tmp_path, x=header(npy(X)[10:127].decode(), (2, 0)) + X.tobytes())
    np.testing.assert_array_equal(load_data(path, SHAPE).x, X)


HUGE = 1 << 40
DESCRIPTIONS = {
    "terabytes": (f"({HUGE}, 3)", "'<f4'", "declares the shape (1099511627776, 3) of float32, 13,"),
    "negative": ("(-4, 3)", "'<f4'", "declares the shape (-4, 3)"),
    "two negative": ("(-4, -3)", "'<f4'", "declares the shape (-4, -3)"),
    "overflow": (f"({HUGE}, {HUGE}, 3)", "'<f4'", "but the file holds 48"),
    "digits": (f"({'9' * 5000}, 3)", "'<f4'", "Array 'x' can't be read"),
    "objects": ("(4,)", "'|O'", "holds Python objects"),
    "records": ("(4,)", "[('a', '<f4'), ('b', '<f8')]", "Expected real numbers."),
    "dates": ("(2, 3)", "'<M8[s]'", "type datetime64[s]. Expected real numbers."),
    "strings": ("(4, 3)", "'<U1'", "type <U1. Expected real numbers."),
    "complex": ("(2, 3)", "'<c8'", "type complex64. Expected real numbers."),
    "no type": ("(4, 3)", "'<q9'", "Array 'x' can't be read"),
    "no tuple": ("[4, 3]", "'<f4'", "Array 'x' can't be read"),
    "code": ("__import__('os')", "'<f4'", "Array 'x' can't be read"),
    "deep": ("(" * 1000 + ")" * 1000, "'<f4'", "Array 'x' can't be read"),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_invalid_headers(tmp_path: Path, kind: str) -> None:
    shape, dtype, text = DESCRIPTIONS[kind]
    path = archive(tmp_path, x=described(shape, dtype) + X.tobytes())
    tracemalloc.start()
    try:
        assert text in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_sizes_that_the_archive_cannot_hold(tmp_path: Path) -> None:
    """Also if the archive's directory is wrong."""
    path = tmp_path / "data.npz"
    content = described(f"({HUGE}, 3)") + X.tobytes()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", method) as file:
            file.writestr("x.npy", content)
            file.getinfo("x.npy").file_size = len(content) - X.nbytes + 12 * HUGE
        assert "declares 13,194,139,533,312 bytes, more than" in refused(path)


def test_methods_of_compression(tmp_path: Path) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        text = refused(archive(tmp_path, method, x=npy(X)))
        assert f"Array 'x' is compressed by method {method} of zip." in text


def test_encryption(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", npy(X))
        file.getinfo("x.npy").flag_bits |= 1
    assert "Array 'x' is encrypted." in refused(path)


def test_members_that_are_not_arrays(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x", npy(X))
        file.writestr("x/", b"")
        file.writestr("z.npy", npy(X))
    assert "it holds z, x (not an .npy file), x/ (not an .npy file)." in refused(path)


def test_other_versions_of_the_format(tmp_path: Path) -> None:
    for version in ((3, 0), (9, 9)):
        content = b"\x93NUMPY" + bytes(version) + npy(X)[8:]
        assert f"Array 'x' is of version {version}" in refused(archive(tmp_path, x=content))


def test_archives_truncated_at_every_length(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "whole.npz", x=X, y=np.arange(4))
    whole = (tmp_path / "whole.npz").read_bytes()
    path = tmp_path / "data.npz"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "is not an .npz archive" in refused(path)


MEMBERS = ("x", "y", "x_train", "y_train", "x_test", "x_scale", "x_zero_point", "class_names")
numbers = st.sampled_from([0, 1, -1, 3, 4, 127, 2**31, 1e-40, 1e300, np.nan, np.inf])
dtypes = st.sampled_from(
    ["f4", "f8", ">f4", "f2", "i1", "u1", "i8", "u8", "?", "c8", "U3", "S2", "M8[s]", "V4", "i4,f4"]
)
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def arrays(draw: st.DrawFn) -> bytes:
    """A small array of any type and shape."""
    values = np.array(draw(st.lists(numbers, min_size=1, max_size=5)))
    shape = draw(st.one_of(st.just((4, 3)), shapes))
    dtype = np.dtype(draw(dtypes))
    whole = np.resize(values, shape)
    with np.errstate(all="ignore"):
        if dtype.kind == "V" or dtype.kind == "M":
            return npy(np.zeros(shape, dtype))
        return npy(whole.astype(dtype))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An array with some bytes changed."""
    content = bytearray(draw(arrays()))
    for at, value in draw(
        st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4)
    ):
        content[at % len(content)] = value
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    members=st.dictionaries(st.sampled_from(MEMBERS), st.one_of(arrays(), mutated(), st.binary())),
    compressed=st.booleans(),
    damage=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3),
)
def test_any_archive(
    tmp_path_factory: pytest.TempPathFactory,
    members: dict[str, bytes],
    compressed: bool,
    damage: list[tuple[int, int]],
) -> None:
    """A valid data set with a score or a note, or the documented error."""
    folder = tmp_path_factory.getbasetemp()
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    path = archive(folder, method, **members)
    content = bytearray(path.read_bytes())
    for at, value in damage:
        content[at % len(content)] = value
    path.write_bytes(content)
    try:
        found = load_data(path, SHAPE)
    except DataError:
        return
    assert_sound(found)
    assert_scored(found)


def assert_sound(found: Dataset) -> None:
    for x, y in ((found.x, found.y), (found.x_test, found.y_test)):
        assert x.dtype == np.float32
        assert x.shape == (len(x), *SHAPE)
        assert len(x)
        assert np.isfinite(x).all()
        assert y is None or len(y) == len(x)
    assert all(isinstance(name, str) for name in found.class_names)


def assert_scored(found: Dataset) -> None:
    """Any labels, for any outputs."""
    for outputs in ((1,), (3,), (2, 2)):
        for ending in ("softmax", "sigmoid", "other"):
            model = ModelShape(SHAPE, outputs, ending)
            targets = find_targets(model, found.x_test, found.y_test, found.class_names)
            values = np.random.default_rng(0).uniform(size=(len(found.x_test), *outputs))
            result = score(model, targets, values)
            assert (result is None) == (targets.task is None)
            assert result is not None or targets.notes

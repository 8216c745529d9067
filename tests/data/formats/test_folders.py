"""Folders of images and recordings by class: halves, sizes, channels, and the text of errors."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinycomp.common.errors import DataError, ToolError
from tinycomp.data.dataset import load_data, open_data
from tinycomp.options.data import DataOptions

RED, BLUE = (200, 10, 30), (5, 20, 250)


def image(path: Path, color: tuple[int, ...], size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB" if len(color) == 3 else "L", size, color if len(color) == 3 else color[0]).save(
        path
    )


def sound(path: Path, data: bytes, width: int = 2, channels: int = 1, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setsampwidth(width)
        file.setnchannels(channels)
        file.setframerate(rate)
        file.writeframes(data)


def pcm(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


def test_images_by_class(tmp_path: Path) -> None:
    image(tmp_path / "red" / "1.png", RED)
    image(tmp_path / "red" / "2.png", RED)
    image(tmp_path / "blue" / "1.png", BLUE)
    found = load_data(tmp_path, (4, 6, 3), DataOptions(scale=1 / 255))
    assert found.class_names == ("blue", "red")
    np.testing.assert_array_equal(found.y_test, [0, 1, 1])
    np.testing.assert_allclose(found.x_test[1], np.full((4, 6, 3), RED) / 255, rtol=1e-6)
    assert "3 images are read as RGB of 6 x 4, values 0 to 255." in found.notes[0]


def test_halves_with_classes(tmp_path: Path) -> None:
    image(tmp_path / "train" / "red" / "1.png", RED)
    image(tmp_path / "train" / "blue" / "1.png", BLUE)
    image(tmp_path / "test" / "red" / "1.png", RED)
    image(tmp_path / "validation" / "red" / "1.png", RED)
    found = load_data(tmp_path, (4, 6, 3))
    assert (len(found.x), len(found.x_test), found.halves) == (2, 1, "two")
    np.testing.assert_array_equal(found.y_test, [1])
    assert any("validation is not read: only train and test are." in n for n in found.notes)


def test_images_of_another_size_and_colour(tmp_path: Path) -> None:
    """Resized and made grey by Pillow: ITU-R 601-2 luma."""
    image(tmp_path / "a" / "1.png", RED, (12, 12))
    image(tmp_path / "b" / "1.png", (77,), (3, 3))
    found = load_data(tmp_path, (4, 6, 1))
    luma = round((299 * RED[0] + 587 * RED[1] + 114 * RED[2]) / 1000)
    assert np.abs(found.x[0] - luma).max() <= 1
    np.testing.assert_array_equal(found.x[1], np.full((4, 6, 1), 77))
    assert "read as grey of 6 x 4" in found.notes[0]
    assert "1.png is 12 x 12); proportions are not kept" in found.notes[0]


def test_images_without_classes(tmp_path: Path) -> None:
    image(tmp_path / "1.png", RED)
    image(tmp_path / "2.png", BLUE)
    found = load_data(tmp_path, (4, 6, 3))
    assert (len(found.x), found.y, found.class_names) == (2, None, ())


def test_images_for_a_model_without_images(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", RED)
    with pytest.raises(DataError, match=r"input has the shape \(49, 10, 7\), which is no image's"):
        load_data(tmp_path, (49, 10, 7))


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", RED)
    (tmp_path / "a" / "2.png").write_bytes((tmp_path / "a" / "1.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"Image '.*2\.png' can't be read"):
        load_data(tmp_path, (4, 6, 3))
    (tmp_path / "a" / "1.png").write_bytes(b"text")
    with pytest.raises(DataError, match=r"Image '.*1\.png' can't be read"):
        open_data(tmp_path)


def test_images_of_16_bits_are_not_clipped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "a" / "1.png")
    with pytest.raises(DataError, match="more than 8 bits a value"):
        load_data(tmp_path, (4, 6, 1))


def test_a_class_without_samples(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", RED)
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="has no samples of 'b'"):
        open_data(tmp_path)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image(tmp_path / "a" / "1.png", RED)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ToolError, match=r"pip install 'tinycomp\[images\]'"):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("width", "data", "values"),
    [
        (1, bytes([128, 0, 192]), [0, -1, 0.5]),
        (2, pcm(0, -32768, 16384), [0, -1, 0.5]),
        (3, bytes([0, 0, 0, 0, 0, 0x80, 0, 0, 0x40]), [0, -1, 0.5]),
        (4, np.array([0, -(2**31), 2**30], "<i4").tobytes(), [0, -1, 0.5]),
    ],
)
def test_samples_of_every_width(
    width: int, data: bytes, values: list[float], tmp_path: Path
) -> None:
    sound(tmp_path / "a" / "1.wav", data, width)
    sound(tmp_path / "b" / "1.wav", pcm(1, 2, 3))
    found = load_data(tmp_path, (3, 1))
    np.testing.assert_array_equal(found.x[0, :, 0], values)
    np.testing.assert_array_equal(found.y, [0, 1])
    assert found.class_names == ("a", "b")


def test_recordings_get_the_length_of_the_input(tmp_path: Path) -> None:
    sound(tmp_path / "a" / "long.wav", pcm(1, 2, 3, 4, 5))
    sound(tmp_path / "a" / "short.wav", pcm(7))
    sound(tmp_path / "a" / "stereo.wav", pcm(2, 4, 6, 8, 10, 12), channels=2, rate=16000)
    found = load_data(tmp_path, (3,), DataOptions(scale=32768))
    np.testing.assert_array_equal(found.x, [[1, 2, 3], [7, 0, 0], [3, 7, 11]])
    assert found.notes[0] == (
        "3 recordings are read as 3 samples each (0.000375 s at 8,000 Hz), values -1 to 1: "
        "1 cut at the end, 1 padded with silence, 1 mixed to one channel."
    )
    assert found.notes[1].startswith("Warning: recordings have different sample rates")


def test_recordings_for_a_model_of_features(tmp_path: Path) -> None:
    sound(tmp_path / "a" / "1.wav", pcm(1))
    with pytest.raises(DataError, match="which is no row of raw samples"):
        load_data(tmp_path, (49, 10, 1))


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.wav").write_bytes(b"RIFF1234WAVE")
    with pytest.raises(DataError, match=r"Recording '.*1\.wav' can't be read"):
        load_data(tmp_path, (3,))


def test_classes_in_the_order_of_the_outputs(tmp_path: Path) -> None:
    image(tmp_path / "red" / "1.png", RED)
    image(tmp_path / "blue" / "1.png", BLUE)
    sound(tmp_path / "sounds" / "red" / "1.wav", pcm(1, 2))
    sound(tmp_path / "sounds" / "blue" / "1.wav", pcm(3, 4))
    options = DataOptions(class_names=("red", "blue"))
    found = load_data(tmp_path / "sounds", (2,), options)
    assert found.class_names == ("red", "blue")
    np.testing.assert_array_equal(found.y_test, [0, 1])
    np.testing.assert_array_equal(found.x_test[0] * 32768, [1, 2])
    with pytest.raises(DataError, match=r"--class-names are red, blue, but .* has folders for "):
        load_data(tmp_path, (4, 6, 3), options)

"""ONNX models with several inputs: each has samples of its own, images in either order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_runs import model, weights

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Silent
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare

node = helper.make_node


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An image and three numbers."""
    whole = model(
        [
            node("Conv", ["x", "k"], ["a"]),
            node("GlobalAveragePool", ["a"], ["g"]),
            node("Flatten", ["g"], ["f"]),
            node("Concat", ["f", "z"], ["c"], axis=1),
            node("Gemm", ["c", "w"], ["y"]),
        ],
        (1, 3, 6, 5),
        {"k": weights(4, 3, 3, 3), "w": weights(7, 2)},
    )
    whole.graph.input.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, (1, 3)))
    onnx.save(whole, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_images_with_channels_in_either_place(path: Path, tmp_path: Path) -> None:
    x, z = weights(20, 3, 6, 5), weights(20, 3, seed=1)
    built = []
    for name, images in (("front", x), ("behind", np.moveaxis(x, 1, -1))):
        np.savez(tmp_path / f"{name}.npz", x=images, z=z)
        built.append(prepare(Preparation(path, tmp_path / f"{name}.npz"), Silent()).tflite)
    assert built[0] == built[1]


def test_images_in_another_order_are_refused(path: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=weights(20, 5, 6, 3), z=weights(20, 3))
    with pytest.raises(DataError, match=r"Array 'x' has the shape \(20, 5, 6, 3\), but"):
        prepare(Preparation(path, tmp_path / "data.npz"), Silent())

"""Networks that people build every day: LiteRT, the simulator and C compute the same."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from everyday_attention import NETWORKS as OF_ATTENTION
from everyday_networks import NETWORKS, REFUSED
from host import run_on_host

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.prepare import Preparation, evaluation_inputs, prepare
from tinycomp.quantization.row_numbers import row_numbers
from tinycomp.reading import read_model
from tinycomp.reference.compare import TensorExecution, simulator, verify

EVERY = {**NETWORKS, **OF_ATTENTION}
SIXTEEN_BITS = (
    "mlp_every_activation", "mlp_layer_normalization", "mlp_prelu", "mlp_self_normalizing",
    "unit_normalized_embedding_vector", "lenet", "mobilenet_v3_blocks", "densenet",
    "unet_upsampling", "resized_input", "prelu_cnn", "siamese", "lstm", "lstm_stacked", "gru",
)  # fmt: skip
"""Of each kind of network some: with 16-bit activations, layers that LiteRT has on int8 only are
in between.
"""


def save(name: str, folder: Path) -> Path:
    import keras

    keras.utils.set_random_seed(3)
    model = EVERY[name](keras.layers)
    path = folder / f"{name}.keras"
    with warnings.catch_warnings():  # Keras uses what NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(path)
    return path


@pytest.mark.slow
@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.parametrize(
    ("name", "activations"),
    [
        *((name, 8) for name in EVERY if name not in REFUSED),
        *((name, 16) for name in SIXTEEN_BITS),
    ],
)
def test_every_execution_equals_litert(name: str, activations: int, tmp_path: Path) -> None:
    path = save(name, tmp_path)
    source = read_model(path)
    rng = np.random.default_rng(1)
    rows = row_numbers(source)
    x = [
        rng.integers(0, rows[key], (8, *source.tensors[key].shape)).astype(np.float32)
        if key in rows
        else rng.random((8, *source.tensors[key].shape), np.float32)
        for key in source.inputs
    ]
    names = ["x"] if len(x) == 1 else source.named_inputs
    np.savez(tmp_path / "data.npz", **dict(zip(names, x, strict=True)))
    wanted = Preparation(
        path, tmp_path / "data.npz", calibration="min-max", activations=activations
    )
    prepared = prepare(wanted, Silent())
    graph = prepared.graph
    inputs = evaluation_inputs(graph, prepared.dataset, 2)
    in_c = TensorExecution("C", lambda values: run_on_host(graph, values))
    assert not verify(graph, prepared.tflite, inputs, [simulator(graph), in_c]).differences


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read_model(save(name, tmp_path))
    assert REFUSED[name] in str(caught.value)

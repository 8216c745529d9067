"""LiteRT as the oracle: batches do not change results, and its errors become one paragraph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle


def dense(inputs: int, outputs: int) -> tuple[bytes, np.ndarray]:
    """A dense layer's model and its weights, all small integers."""
    weights = np.random.default_rng(0).integers(-4, 5, (outputs, inputs)).astype(np.float32)
    builder = GraphBuilder("dense")
    names = [
        builder.input("x", (inputs,)),
        builder.constant("w", weights),
        builder.constant("b", np.arange(outputs, dtype=np.float32)),
    ]
    return write_tflite(builder.build([builder.add(FullyConnected(), names, "y")])), weights


@pytest.mark.parametrize("samples", [1, oracle.MAX_BATCH, 2 * oracle.MAX_BATCH + 3])
def test_float_batches_keep_every_sample_in_order(samples: int) -> None:
    model, weights = dense(6, 5)
    x = np.random.default_rng(1).integers(-9, 10, (samples, 6)).astype(np.float32)
    found = oracle.run_float(model, x, "all")
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_array_equal(found["y"], x @ weights.T + np.arange(5))
    assert list(oracle.run_float(model, x)) == ["y"]
    assert list(oracle.run_float(model, x, {"x", "other"})) == ["x"]
    sizes = [len(batch["y"]) for batch in oracle.float_batches(model, x)]
    assert sum(sizes) == samples
    assert max(sizes) <= oracle.MAX_BATCH


def test_large_tensors_make_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = dense(6, 5)
    monkeypatch.setattr(oracle, "BATCH_ELEMENTS", 100)
    sizes = [len(batch["y"]) for batch in oracle.float_batches(model, np.ones((5, 6)))]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("model", [b"", b"not a model at all"])
def test_files_that_are_not_models(model: bytes) -> None:
    with pytest.raises(ModelError, match="LiteRT can't run the model: "):
        oracle.run(model, np.zeros((1, 1), np.int8))
    with pytest.raises(ModelError, match="LiteRT can't run the model: "):
        oracle.run_float(model, np.zeros((1, 1)))


def test_inputs_of_another_shape() -> None:
    model, _ = dense(6, 5)
    with pytest.raises(ModelError, match=r"LiteRT can't run the model: .*Dimension mismatch"):
        oracle.run(model, np.zeros((1, 7), np.float32))


@pytest.mark.shared
def test_an_official_model(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = (shared / "models" / "kws_ref_model_int8.tflite").read_bytes()
    with np.load(shared / "data" / "kws01.npz") as data:
        x, y = data["x_test"][:200], data["y_test"][:200]
    tensors = oracle.run(model, x)
    assert len(tensors) == 14
    np.testing.assert_array_equal(next(iter(tensors.values())), x)
    output = oracle.run_output(model, x)
    np.testing.assert_array_equal(list(tensors.values())[-1], output)
    assert np.mean(output.argmax(axis=1) == y) > 0.85
    assert capfd.readouterr() == ("", "")

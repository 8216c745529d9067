"""Selection of the calibration method, skipped samples, and reported features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.input_transform import InputTransform
from tinycomp.ir.tensor import Array, QuantizationParameters, dequantize_values
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.tanh import Tanh
from tinycomp.options.build import AUTO
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.lift_normalization import lift_normalization
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization import export
from tinycomp.quantization.affine import core_inputs, quantize_inputs
from tinycomp.quantization.calibration import METHODS, calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.given import input_quantization
from tinycomp.quantization.layer_errors import EXACT, most_to_blame, signal_to_noise
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.screening import absurd_rows, without_absurd
from tinycomp.quantization.selection import Trial, closest, quantize_calibrated
from tinycomp.quantization.types import Precision
from tinycomp.reference import oracle
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import run, simulate

SCALES = np.array([2, 5, 40, 900, 0.05, 1])
CENTERS = np.array([22, 45, 600, 101300, 0.1, 0])


def hot_spots() -> tuple[Graph, Array]:
    """Noise with one large value in some images; the model outputs that value."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.05, (60, 64, 64, 1)).astype(np.float32)
    x[np.arange(0, 60, 3), 5, 7, 0] = rng.uniform(1, 3, 20)
    builder = GraphBuilder("spots")
    image = builder.input("x", (64, 64, 1))
    names = [builder.constant("w", np.ones((1, 1))), builder.constant("b", np.zeros(1))]
    dense = builder.add(FullyConnected(), [image, *names], "dense")
    positive = builder.add(Relu(), [dense], "relu")
    return builder.build([builder.add(ReduceMax(), [positive], "max")]), x


def rms(graph: Graph, core: Graph, x: Array) -> float:
    """Root mean square error of the outputs, simulator compared with float."""
    (expected,) = run_float(write_tflite(core), core_inputs(core, x)).values()
    target = graph.tensors[graph.outputs[0]].quantization
    assert target is not None
    found = dequantize_values(run(graph, quantize_inputs(graph, x)), target)
    return float(np.sqrt(np.mean((found - expected) ** 2)))


CLIPPED = "values beyond theirs are clipped. A hundred are better."


def test_the_float_model_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recurrent one is unrolled in the file, which takes seconds."""
    packed: list[Graph] = []
    pack = export._Writer.pack

    def counted(writer: Any, graph: Graph, description: str) -> bytes:
        packed.append(graph)
        return pack(writer, graph, description)

    monkeypatch.setattr(export._Writer, "pack", counted)
    graph, x = hot_spots()
    found = closest(graph, x, AUTO, None, Silent())
    signal_to_noise(graph, found.graph, x)
    assert [each is graph for each in packed].count(True) == 1


def test_rare_large_values_survive() -> None:
    graph, x = hot_spots()
    found = closest(graph, x, AUTO, None, Silent())
    assert rms(found.graph, graph, x) < 0.02
    assert rms(quantize(graph, calibrate(graph, x, "percentile")), graph, x) > 0.2


def test_the_closest_method_is_kept(graph: Graph, inputs: Array) -> None:
    found = closest(graph, inputs, AUTO, None, Silent())
    trials = [closest(graph, inputs, method, None, Silent()) for method in METHODS]
    assert [trial.method for trial in trials] == list(METHODS)
    assert found.error == min(trial.error for trial in trials)
    assert rms(found.graph, graph, inputs) == pytest.approx(found.error, rel=0.3)


def test_an_unknown_method_is_refused(graph: Graph, inputs: Array) -> None:
    with pytest.raises(
        DataError, match=r"no calibration method 'kl'\. Expected one of: auto, min-max"
    ):
        closest(graph, inputs, "kl", None, Silent())


def sensors(scale: Array, offset: Array) -> tuple[Graph, Graph]:
    """A model that normalizes its input first: unchanged, and with an input transform."""
    rng, builder = np.random.default_rng(0), GraphBuilder("sensors")
    names = [builder.constant("scale", scale), builder.constant("offset", offset)]
    x = builder.add(BatchNormalization(), [builder.input("x", (6,)), *names], "norm")
    x = builder.add(Tanh(), [x], "tanh")
    weights = [
        builder.constant("w", rng.standard_normal((3, 6)).astype(np.float32)),
        builder.constant("b", np.zeros(3, np.float32)),
    ]
    graph = builder.build([builder.add(FullyConnected(), [x, *weights], "y")])
    return lower_batch_normalization(graph), lift_normalization(graph)


def raw_sensors(count: int = 300) -> Array:
    z = np.random.default_rng(1).normal(size=(count, 6))
    return (z * SCALES + CENTERS).astype(np.float32)


def test_features_of_very_different_size_are_normalized_before_int8() -> None:
    graph, lifted = sensors(1 / SCALES, -CENTERS / SCALES)
    progress, x = Silent(), raw_sensors()
    found = quantize_calibrated(graph, lifted, x, AUTO, None, progress)
    assert found.graph.input_transform is not None
    assert not found.graph.input_transform.integers
    assert ["normalize_input" in note for note in progress.notes] == [True]
    plain = closest(graph, x, AUTO, None, Silent())
    assert rms(found.graph, found.core, x) < 0.05 * rms(plain.graph, plain.core, x)


@pytest.mark.parametrize(("count", "what"), [(1, "one sample"), (5, "5 samples"), (20, "")])
def test_few_samples_are_noted(count: int, what: str) -> None:
    graph, _ = sensors(1 / SCALES, -CENTERS / SCALES)
    progress = Silent()
    quantize_calibrated(graph, graph, raw_sensors(count), "min-max", None, progress)
    found = [note for note in progress.notes if "Calibrated on" in note]
    assert found == ([f"Calibrated on {what} only: {CLIPPED}"] if what else [])


def test_integers_that_fit_are_used_directly() -> None:
    scales, centers = np.array([3, 200, 4000, 15, 2, 90]), np.array([250, 0, -3000, 1000, 9, 0])
    z = np.random.default_rng(1).normal(size=(300, 6))
    x = np.rint(z * scales + centers).astype(np.float32)
    graph, lifted = sensors(1 / scales, -centers / scales)
    found = quantize_calibrated(graph, lifted, x, AUTO, None, Silent())
    assert found.graph.input_transform is not None
    assert found.graph.input_transform.integers


def test_features_of_one_size_stay_raw() -> None:
    """Such as pixels: the scale is folded into the first layer, and int8 input needs no float."""
    graph, lifted = sensors(np.full(6, 1 / 60), np.full(6, -2.0))
    x = np.random.default_rng(1).uniform(0, 255, (300, 6)).astype(np.float32)
    progress = Silent()
    found = quantize_calibrated(graph, lifted, x, AUTO, None, progress)
    assert found.graph.input_transform is None
    assert progress.notes == []


def drifting() -> tuple[Graph, Graph]:
    """A regression on features far from zero, 60 standard deviations: with the normalization folded
    into the first weights, and with an input transform.
    """
    rng, builder = np.random.default_rng(0), GraphBuilder("drifting")
    names = [
        builder.constant("scale", np.full(6, 0.5)),
        builder.constant("offset", np.full(6, -60)),
    ]
    x = builder.add(BatchNormalization(), [builder.input("x", (6,)), *names], "norm")
    for number, (reads, units) in enumerate([(6, 12), (12, 2)]):
        weights = rng.standard_normal((units, reads)).astype(np.float32) / np.sqrt(reads)
        names = [
            builder.constant(f"w{number}", weights),
            builder.constant(f"b{number}", np.ones(units)),
        ]
        x = builder.add(FullyConnected(), [x, *names], f"dense{number}")
        x = x if number else builder.add(Tanh(), [x], "tanh")
    graph = builder.build([x])
    return fold_batch_normalization(graph), lift_normalization(graph)


def test_large_offsets_are_lifted_from_16_bits() -> None:
    """An int16 input resolves the raw values, but the int8 weights' rounding is multiplied."""
    graph, lifted = drifting()
    assert [node.op.name for node in graph.nodes] == ["fully_connected", "tanh", "fully_connected"]
    x = (120 + 2 * np.random.default_rng(1).normal(size=(300, 6))).astype(np.float32)
    progress, sixteen = Silent(), Precision(16)
    found = quantize_calibrated(graph, lifted, x, AUTO, None, progress, precision=sixteen)
    assert found.graph.input_transform is not None
    assert ["normalize_input" in note for note in progress.notes] == [True]
    folded = closest(graph, x, AUTO, None, Silent(), precision=sixteen)
    assert rms(found.graph, found.core, x) < 0.1 * rms(folded.graph, folded.core, x)
    inputs = quantize_inputs(found.graph, x)
    assert inputs.dtype == np.int16
    expected = oracle.run(write_tflite(found.graph), inputs)
    for name, values in simulate(found.graph, inputs).items():
        np.testing.assert_array_equal(values, expected[name])


def test_16_bits_keep_raw_values_where_normalizing_gains_nothing() -> None:
    """The transform changes nothing here."""
    raw = replace(drifting()[1], input_transform=None)
    lifted = replace(raw, input_transform=InputTransform((0.0,) * 6, (1.0,) * 6))
    x = np.random.default_rng(1).normal(size=(300, 6)).astype(np.float32)
    sixteen = Precision(16)
    found = quantize_calibrated(raw, lifted, x, AUTO, None, Silent(), precision=sixteen)
    assert found.graph.input_transform is None


def test_features_that_are_lost_are_named() -> None:
    rng, builder = np.random.default_rng(0), GraphBuilder("plain")
    names = [
        builder.constant("w", rng.standard_normal((3, 6)).astype(np.float32)),
        builder.constant("b", np.zeros(3, np.float32)),
    ]
    graph = builder.build([builder.add(FullyConnected(), [builder.input("x", (6,)), *names], "y")])
    progress = Silent()
    quantize_calibrated(graph, graph, raw_sensors(), AUTO, None, progress)
    (note,) = progress.notes
    assert note.startswith("Warning: one int8 step of the input 'x' is ")
    assert "features 0 (" in note
    assert "4 (" in note
    assert " 3 (" not in note
    assert "keras.layers.Normalization" in note


def test_an_outlier_sample_is_named_and_left_out() -> None:
    x = np.random.default_rng(0).normal(size=(500, 2, 3)).astype(np.float32)
    x[17, 1, 2] = 1e6
    data = Dataset(x, None, x, None, rows=2 * np.arange(500))
    progress = Silent()
    kept = without_absurd(data, [x], progress)
    assert kept.rows is not None
    assert len(kept.x) == 499
    assert 34 not in kept.rows
    assert np.abs(kept.x).max() < 10
    assert kept.x_test is x
    (note,) = progress.notes
    assert note.startswith("Warning: left out of the calibration")
    assert "row 34, column 1,2 is 1e+06 (elsewhere " in note


@pytest.mark.parametrize("size", [3.0, 10.0])
def test_rare_values_are_not_outliers(size: float) -> None:
    x = np.random.default_rng(0).normal(0, 0.1, (300, 9)).astype(np.float32)
    x[5, 3] = size
    assert absurd_rows(x) == ()
    x[5, 3] = 1e3
    assert absurd_rows(x) == (5,)


def test_large_values_in_many_samples_are_data() -> None:
    x = np.random.default_rng(0).normal(size=(300, 9)).astype(np.float32)
    x[::20] *= 1e4
    assert absurd_rows(x) == ()


def test_signal_to_noise_is_that_of_a_uniform_quantizer(graph: Graph, inputs: Array) -> None:
    """Noise of step^2 / 12 (Bennett); the following padding and pooling add none."""
    quantized = quantize(graph, calibrate(graph, inputs, "min-max"))
    ratios = signal_to_noise(graph, quantized, inputs)
    assert ratios.keys() == graph.tensors.keys()
    parameters = quantized.tensors["x"].quantization
    assert parameters is not None
    expected = 10 * np.log10(np.mean(inputs**2) / (parameters.scale**2 / 12))
    assert ratios["x"] == pytest.approx(expected, abs=0.5)
    assert all(10 < ratio < EXACT for ratio in ratios.values())


def test_the_clipped_tensor_is_blamed(graph: Graph, inputs: Array) -> None:
    ranges = calibrate(graph, inputs, "min-max")
    ranges["deep"] = Range(ranges["deep"].low / 20, ranges["deep"].high / 20)
    quantized = quantize(graph, ranges)
    blamed = most_to_blame(quantized, signal_to_noise(graph, quantized, inputs))
    assert blamed is not None
    assert blamed[0] == "deep"
    assert blamed[1] > 20


def test_the_input_has_the_given_quantization(graph: Graph, inputs: Array) -> None:
    given = QuantizationParameters((float(np.float32(0.05)),), (9,))
    found = closest(graph, inputs, AUTO, given, Silent())
    assert found.graph.tensors["x"].quantization == given
    interpreter = Interpreter(model_content=write_tflite(found.graph))
    (entry,) = interpreter.get_input_details()
    assert entry["quantization"] == (given.scale, 9)
    worse = replace(given, scales=(float(np.float32(0.5)),))
    coarse = closest(graph, inputs, AUTO, worse, Silent())
    assert isinstance(coarse, Trial)
    assert coarse.error > found.error


def test_a_given_quantization_is_parsed() -> None:
    assert input_quantization(None) is None
    found = input_quantization("0.5847029,83")
    assert found == QuantizationParameters((float(np.float32(0.5847029)),), (83,))


@pytest.mark.parametrize(
    "text", ["", "1", "0,0", "-1,0", "nan,0", "inf,0", "1,128", "1,0.5", "a,b", "1,2,3", "1e-60,0"]
)
def test_invalid_quantizations(text: str) -> None:
    with pytest.raises(DataError, match=r"is not an int8 quantization\. Expected SCALE,ZERO_POINT"):
        input_quantization(text)

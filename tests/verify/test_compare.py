"""How differences are found and reported, without a compiler."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from small_models import small_classifier

from tinycomp.common.errors import DeviceError
from tinycomp.device.execution import DeviceExecution
from tinycomp.device.protocol import Checksum
from tinycomp.ir.tensor import Array
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import (
    CHUNK,
    Difference,
    TensorExecution,
    Verification,
    compare,
    compared_tensors,
    simulator,
    verify,
)
from tinycomp.reference.simulate import simulate

GRAPH = small_classifier()
MODEL = write_tflite(GRAPH)
SHAPE = GRAPH.tensors["input"].shape


def random_inputs(samples: int) -> Array:
    return np.random.default_rng(1).integers(-128, 128, (samples, *SHAPE)).astype(np.int8)


def wrong_at(tensor: str, *positions: tuple[int, ...]) -> TensorExecution:
    """The simulator with an output that is one too large at some (sample, *position)."""

    def run(inputs: Array) -> dict[str, Array]:
        tensors = simulate(GRAPH, inputs)
        for position in positions:
            if position[0] < len(inputs):
                tensors[tensor][position] ^= 1
        return tensors

    return TensorExecution("wrong", run)


def test_equal_tensors_have_no_difference() -> None:
    values = simulate(GRAPH, random_inputs(2))["add"]
    assert compare(GRAPH, "add", values, values.copy(), "host") is None


def test_the_first_difference_is_reported_completely() -> None:
    expected = np.zeros((3, 3, 3, 6), np.int8)
    actual = expected.copy()
    actual[1, 2, 0, 5], actual[1, 2, 1, 0], actual[2, 0, 0, 0] = -128, 3, 7
    found = compare(GRAPH, "add", expected, actual, "host")
    assert found == Difference("host", "add", "add", "add", 1, (2, 0, 5), 0, -128, 2, 54)


def test_a_flat_tensor_is_compared_in_the_expected_shape() -> None:
    expected = np.zeros((1, 3, 3, 6), np.int8)
    actual = np.zeros((1, 54), np.int8)
    assert compare(GRAPH, "add", expected, actual, "host") is None
    actual[0, 19] = 1
    found = compare(GRAPH, "add", expected, actual, "host")
    assert found is not None
    assert found.position == (1, 0, 1)


def test_the_sentence_names_everything() -> None:
    found = Difference("host", "d/relu", "dense", "fully_connected", 3, (1, 2), -7, 8, 2, 60)
    assert str(found) == (
        "sample 3, layer 'dense' (fully_connected), tensor 'd/relu' at [1, 2]: "
        "litert -7, host 8 (2 of 60 elements differ)"
    )


def test_tensors_are_in_the_order_of_nodes() -> None:
    assert compared_tensors(GRAPH) == tuple(node.outputs[0] for node in GRAPH.nodes)
    assert "input" not in compared_tensors(GRAPH)


def test_the_simulator_agrees_with_litert() -> None:
    found = verify(GRAPH, MODEL, random_inputs(3), [simulator(GRAPH)])
    assert found == Verification(("litert", "simulator"), 3, len(GRAPH.nodes), ())
    assert found.equal


def test_the_first_tensor_in_the_order_of_computation_is_named() -> None:
    def run(inputs: Array) -> dict[str, Array]:
        tensors = simulate(GRAPH, inputs)
        tensors["softmax"][0, 0] ^= 1
        tensors["add"][1, 1, 1, 1] ^= 1
        return tensors

    found = verify(GRAPH, MODEL, random_inputs(2), [TensorExecution("wrong", run)])
    assert not found.equal
    assert [(d.tensor, d.sample, d.position) for d in found.differences] == [("add", 1, (1, 1, 1))]


def test_samples_are_counted_across_chunks_and_a_wrong_execution_stops() -> None:
    runs = []

    def run(inputs: Array) -> dict[str, Array]:
        runs.append(len(inputs))
        tensors = simulate(GRAPH, inputs)
        if len(runs) == 2:
            tensors["add"][3, 0, 2, 5] ^= 1
        return tensors

    done: list[int] = []
    executions = [TensorExecution("wrong", run), simulator(GRAPH)]
    found = verify(GRAPH, MODEL, random_inputs(2 * CHUNK + 5), executions, done.append)
    (difference,) = found.differences
    assert (difference.execution, difference.sample) == ("wrong", CHUNK + 3)
    assert runs == [CHUNK, CHUNK]
    assert done == [CHUNK, CHUNK, 5]


def test_each_wrong_execution_has_its_own_difference() -> None:
    first, second = wrong_at("conv_2d", (0, 0, 0, 0)), wrong_at("softmax", (1, 4))
    executions = [first, simulator(GRAPH), TensorExecution("other", second.run)]
    found = verify(GRAPH, MODEL, random_inputs(2), executions)
    assert found.executions == ("litert", "wrong", "simulator", "other")
    assert [(d.execution, d.tensor) for d in found.differences] == [
        ("wrong", "conv_2d"),
        ("other", "softmax"),
    ]


class _FakeDevice:
    """A device whose monitored inference returns these tensors; counts complete reads.

    again: the tensors of a later inference, which is run to send a complete tensor.
    """

    def __init__(self, tensors: dict[str, Array], again: dict[str, Array] | None = None) -> None:
        self.names = ["input", *compared_tensors(GRAPH)]
        self.tensors, self.again = tensors, again or tensors
        self.unordered: Sequence[str] = ()
        self.measured = self.tensors["softmax"]
        self.sample = -1
        self.read: list[str] = []

    def load(self, tensor: Array) -> None:
        self.sample += 1

    def checksums(self) -> list[Checksum]:
        return [self._checksum(name) for name in self.names]

    def _checksum(self, name: str) -> Checksum:
        values = self.tensors[name][self.sample]
        if name in self.unordered:
            return Checksum(None, None)
        return Checksum(values.size, zlib.crc32(values.tobytes()))

    def tensor(self, index: int) -> Array:
        self.read.append(self.names[index])
        return self.again[self.names[index]][self.sample].ravel()

    def run(self) -> int:
        return 1

    def output(self) -> Array:
        return self.measured[self.sample].ravel()


def on_device(device: _FakeDevice, inputs: Array) -> Difference | None:
    execution = DeviceExecution(device)  # type: ignore[arg-type]
    return execution.first_difference(GRAPH, inputs, simulate(GRAPH, inputs))


def test_an_equal_device_is_read_by_checksums_only() -> None:
    inputs = random_inputs(2)
    device = _FakeDevice(simulate(GRAPH, inputs))
    assert on_device(device, inputs) is None
    assert device.read == []


def test_one_tensor_of_a_wrong_device_is_read() -> None:
    inputs = random_inputs(3)
    wrong = wrong_at("add", (2, 0, 1, 2), (2, 2, 0, 0)).run(inputs)
    right = int(simulate(GRAPH, inputs)["add"][2, 0, 1, 2])
    device = _FakeDevice(wrong)
    found = on_device(device, inputs)
    assert found == Difference("device", "add", "add", "add", 2, (0, 1, 2), right, right ^ 1, 2, 54)
    assert device.read == ["add"]


def test_a_tensor_without_a_checksum_is_read() -> None:
    inputs = random_inputs(1)
    device = _FakeDevice(simulate(GRAPH, inputs))
    device.unordered = ["add"]
    assert on_device(device, inputs) is None
    assert device.read == ["add"]


def test_a_device_with_inconsistent_results_is_not_equal() -> None:
    inputs = random_inputs(1)
    wrong = wrong_at("add", (0, 0, 0, 0)).run(inputs)
    device = _FakeDevice(wrong, again=simulate(GRAPH, inputs))
    with pytest.raises(DeviceError, match=r"'add'.* differ.* run"):
        on_device(device, inputs)


def test_the_unmonitored_inference_is_compared_too() -> None:
    inputs = random_inputs(2)
    device = _FakeDevice(simulate(GRAPH, inputs))
    device.measured = wrong_at("softmax", (1, 3)).run(inputs)["softmax"]
    found = on_device(device, inputs)
    assert found is not None
    assert (found.execution, found.tensor) == ("device without hooks", "softmax")
    assert (found.sample, found.position) == (1, (3,))

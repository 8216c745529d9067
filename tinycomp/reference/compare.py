"""Compares executions of a model in every byte of every tensor, and names the first difference.

The expected values come from LiteRT's reference kernels; every other execution must equal them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph, Stream
from tinycomp.ir.tensor import Array
from tinycomp.reference import oracle
from tinycomp.reference.reductions import (
    original_position,
    original_tensors,
    reduced_tensors,
    with_reshapes,
)
from tinycomp.reference.simulate import initial_state, sequence, simulate

ORACLE_NAME = "litert"
CLEANUP_NAME = "cleanup"
"""The name of the execution if the record of a graph's reduction is wrong."""
STREAM_NAME = "stream"
"""The name of the execution if a streamed model's output is not LiteRT's for the window."""
STATES_NAME = "states"
"""The name of the execution if LiteRT does not begin an inference with the states that the graph
expects: the initial ones, then those of the inference before.
"""
CHUNK = 16
"""Samples that are in memory at a time, with all their tensors."""


@dataclass(frozen=True)
class Difference:
    """The first difference, in the order of computation."""

    execution: str
    """The execution with the wrong value."""
    tensor: str
    """The name of the tensor."""
    layer: str
    """The node that writes it."""
    op: str
    """The operator of the node."""
    sample: int
    """Its index."""
    position: tuple[int, ...]
    """The index of the element."""
    expected: int
    """LiteRT's value there."""
    actual: int
    """The execution's value there."""
    differing: int
    """Elements of the tensor that differ."""
    elements: int
    """Elements of the tensor."""

    def __str__(self) -> str:
        """One sentence that names everything."""
        at = ", ".join(map(str, self.position))
        return (
            f"sample {self.sample}, layer '{self.layer}' ({self.op}), "
            f"tensor '{self.tensor}' at [{at}]: "
            f"{ORACLE_NAME} {self.expected}, {self.execution} {self.actual} "
            f"({self.differing} of {self.elements} elements differ)"
        )


class Execution(Protocol):
    """One way to run the model."""

    @property
    def name(self) -> str:
        """Its name in reports: "simulator", "host", "device"."""

    def first_difference(
        self, graph: Graph, inputs: Array, expected: Mapping[str, Array]
    ) -> Difference | None:
        """Run the samples and return the first difference from the expected tensors, if any."""


@dataclass(frozen=True)
class TensorExecution:
    """An execution that returns all tensors."""

    name: str
    """How reports call it."""
    run: Callable[[Array], Mapping[str, Array]]
    """Inputs (samples, *shape) to tensors by name, (samples, *shape)."""

    def first_difference(
        self, graph: Graph, inputs: Array, expected: Mapping[str, Array]
    ) -> Difference | None:
        """Run once, then compare tensor by tensor in the order of computation."""
        return _first(graph, expected, self.run(inputs), self.name)


@dataclass(frozen=True)
class Verification:
    """The result of a comparison."""

    executions: tuple[str, ...]
    """Names of the executions, LiteRT first."""
    samples: int
    """How many were compared."""
    tensors: int
    """How many tensors were compared per sample."""
    differences: tuple[Difference, ...]
    """The first difference of each execution that has one."""

    @property
    def equal(self) -> bool:
        """Whether every byte of every tensor agreed."""
        return not self.differences


def simulator(graph: Graph) -> TensorExecution:
    """The NumPy reference simulator as an execution."""
    return TensorExecution("simulator", lambda inputs: simulate(graph, inputs))


def compared_tensors(graph: Graph) -> tuple[str, ...]:
    """The tensors that nodes write, in order."""
    return tuple(name for node in graph.nodes for name in node.outputs)


def verify(
    graph: Graph,
    model: bytes,
    inputs: Array,
    executions: Sequence[Execution],
    advance: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Run LiteRT's reference kernels and every execution on the samples; compare all tensors.

    If the graph was reduced, every tensor of its original is compared: elements that are still
    computed with each execution, removed elements with the record of the reduction. A difference
    names tensors and positions of the original.

    Args:
        graph: the int8 graph that was emitted.
        model: the .tflite of the graph or its original; tensor names are those of that graph.
        inputs: (samples, *graph.sample_shape) int8. With states, consecutive inferences: LiteRT
            runs them one after the other, and every other execution each of them, from the states
            that LiteRT had before it. Of a streamed graph, consecutive hops.
        executions: the other executions; one that has differed is not run again.
        advance: called with the number of samples done.

    Samples on which LiteRT's reference would abort are left out, also from Verification.samples.
    """
    if graph.stream is not None:
        return _verify_stream(graph, graph.stream, model, inputs, executions, advance)
    whole = graph.reduction.graph if graph.reduction else graph
    found: dict[str, Difference] = {}
    compared = 0
    size = len(inputs) if graph.states else CHUNK
    for start in range(0, len(inputs), size):
        chunk = inputs[start : start + size]
        advance(len(chunk))
        kept = _possible(whole, chunk)
        chunk = chunk[kept]
        if not len(chunk):
            continue
        compared += len(chunk)
        run = _in_types(whole, oracle.run(model, chunk))
        computed = with_reshapes(whole, whole.split(chunk) | run)
        expected = reduced_tensors(graph, computed)
        if whole.parts:
            chunk = computed[whole.inputs[0]]
        if whole.states:
            _note(found, STATES_NAME, _broken_state(whole, computed))
        if CLEANUP_NAME not in found:
            claim = _wrong_claim(graph, chunk, computed, expected)
            _note(found, CLEANUP_NAME, _of_sample(start + kept, claim))
        for execution in executions:
            if execution.name not in found:
                difference = execution.first_difference(graph, chunk, expected)
                difference = _of_sample(start + kept, _in_original(graph, difference))
                _note(found, execution.name, difference)
    names = (ORACLE_NAME, *(execution.name for execution in executions))
    return Verification(names, compared, len(compared_tensors(whole)), tuple(found.values()))


def _in_types(graph: Graph, found: Mapping[str, Array]) -> dict[str, Array]:
    """LiteRT's tensors in the graph's types: it has row numbers in 32 or 64 bits, or as float32."""
    return {
        name: values.astype(graph.tensors[name].dtype)
        if name in graph.tensors and values.dtype.name in ("int32", "int64", "float32")
        else values
        for name, values in found.items()
    }


def windows(stream: Stream, inputs: Array) -> Array:
    """The windows that end with each hop from the first whole one on, (count, window, ...).

    Args:
        stream: how long windows and hops are.
        inputs: consecutive hops, (count, hop, ...).
    """
    rows = inputs.reshape(len(inputs) * stream.hop, *inputs.shape[2:])
    ends = [(number + 1) * stream.hop for number in range(stream.ready - 1, len(inputs))]
    return np.stack([rows[end - stream.window : end] for end in ends])


def _verify_stream(
    graph: Graph,
    stream: Stream,
    model: bytes,
    inputs: Array,
    executions: Sequence[Execution],
    advance: Callable[[int], None],
) -> Verification:
    """Compare the outputs for each whole window with LiteRT's for that window, and all tensors of
    the executions with each other.
    """
    expected = sequence(graph, inputs)
    row, rows = graph.outputs[0], expected[graph.inputs[0]]
    possible = _not_aborted(graph, expected)[stream.ready - 1 :]
    ends = np.flatnonzero(possible) + stream.ready - 1
    found: dict[str, Difference] = {}
    if len(ends):
        shaped = windows(stream, inputs)[possible]
        outputs = oracle.run_outputs(
            model, shaped.reshape(len(ends), *oracle.input_shape(model))
        ).values()
        right = np.concatenate([each.reshape(len(ends), -1) for each in outputs], axis=1)
        ours = expected[row][ends, : right.shape[1]]
        difference = compare(graph, row, right, ours, STREAM_NAME)
        _note(found, STREAM_NAME, _of_sample(ends, difference))
    advance(len(inputs))
    for execution in executions:
        _note(found, execution.name, execution.first_difference(graph, rows, expected))
    names = (ORACLE_NAME, *(execution.name for execution in executions))
    return Verification(names, len(ends), len(compared_tensors(graph)), tuple(found.values()))


def _not_aborted(graph: Graph, computed: Mapping[str, Array]) -> NDArray[np.bool_]:
    """For each inference, whether LiteRT's reference would not abort in one of its layers."""
    found = np.ones(len(computed[graph.inputs[0]]), bool)
    for node in graph.nodes:
        operands = graph.operands(node)
        if node.op.may_abort(operands):
            values = [computed[name] for name in node.inputs if name in computed]
            found &= ~node.op.aborts(operands, values)
    return found


def _possible(graph: Graph, inputs: Array) -> NDArray[np.intp]:
    """The samples on which LiteRT's reference does not abort; with states, those before the
    first.
    """
    aborts = aborting(graph, inputs)
    if graph.states and aborts.any():
        aborts[int(aborts.argmax()) :] = True
    return np.flatnonzero(~aborts)


def aborting(graph: Graph, inputs: Array) -> NDArray[np.bool_]:
    """For each sample, whether LiteRT's reference kernels would abort, found by the simulator."""
    found = np.zeros(len(inputs), bool)
    for node in graph.nodes:
        operands = graph.operands(node)
        rule = arithmetic(node.op, operands)
        if rule.may_abort(operands):
            values = sequence(graph, inputs)
            computed = [values[name] for name in node.inputs if name in values]
            found |= rule.aborts(operands, computed)
    return found


def _note(found: dict[str, Difference], name: str, difference: Difference | None) -> None:
    if difference is not None:
        found[name] = difference


def _wrong_claim(
    graph: Graph,
    inputs: Array,
    computed: Mapping[str, Array],
    expected: Mapping[str, Array],
) -> Difference | None:
    """The first element of an original tensor that contradicts the record of the reduction.

    Elements that nothing reads are no longer computed; the simulator runs the original for them.
    """
    if graph.reduction is None:
        return None
    original = graph.reduction.graph
    claimed = original_tensors(graph.reduction, expected, lambda: simulate(original, inputs))
    return _first(original, computed, claimed, CLEANUP_NAME)


def _broken_state(graph: Graph, computed: Mapping[str, Array]) -> Difference | None:
    """The first state that LiteRT reads and that is not the one before."""
    first = initial_state(graph)
    before = computed[graph.inputs[0]][:, -len(first) :]
    after = computed[graph.outputs[0]][:, -len(first) :]
    claimed, start = np.concatenate([first[np.newaxis], after[:-1]]), 0
    for state in graph.states:
        part, shape = slice(start, start + state.initial.size), (-1, *state.initial.shape)
        expected, actual = (values[:, part].reshape(shape) for values in (before, claimed))
        start += state.initial.size
        if not np.array_equal(expected, actual):
            return compare(graph, state.name, expected, actual, STATES_NAME)
    return None


def _of_sample(numbers: NDArray[np.intp], difference: Difference | None) -> Difference | None:
    """The difference, with its sample's number among all, those included that were left out."""
    return difference and replace(difference, sample=int(numbers[difference.sample]))


def _in_original(graph: Graph, difference: Difference | None) -> Difference | None:
    """The difference, with its position in the original tensor."""
    if difference is None:
        return None
    position = original_position(graph, difference.tensor, difference.position)
    return replace(difference, position=position)


def _first(
    graph: Graph,
    expected: Mapping[str, Array],
    actual: Mapping[str, Array],
    execution: str,
) -> Difference | None:
    """The first difference of any tensor, in the order of computation."""
    for tensor in compared_tensors(graph):
        found = compare(graph, tensor, expected[tensor], actual[tensor], execution)
        if found is not None:
            return found
    return None


def compare(
    graph: Graph, tensor: str, expected: Array, actual: Array, execution: str
) -> Difference | None:
    """The first difference within one tensor; expected is (samples, *shape)."""
    actual = np.ascontiguousarray(actual).view(expected.dtype).reshape(expected.shape)
    if np.array_equal(expected, actual):
        return None
    node = graph.producer(tensor)
    assert node is not None
    differs = expected != actual
    sample = int(np.argmax(differs.reshape(len(differs), -1).any(axis=1)))
    position = tuple(int(i) for i in np.argwhere(differs[sample])[0])
    return Difference(
        execution=execution,
        tensor=tensor,
        layer=node.name,
        op=node.op.name,
        sample=sample,
        position=position,
        expected=int(expected[(sample, *position)]),
        actual=int(actual[(sample, *position)]),
        differing=int(differs[sample].sum()),
        elements=int(differs[sample].size),
    )

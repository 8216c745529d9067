"""Compares executions of one model in every byte of every tensor, and names the first difference.

LiteRT's reference kernels give what is expected; every other execution must equal it, and so they
equal each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tinycomp import oracle
from tinycomp.ir import Array, Graph
from tinycomp.simulate import simulate

ORACLE_NAME = "litert"
CHUNK = 16
"""Samples that are held in memory at a time, with all their tensors."""


@dataclass(frozen=True)
class Difference:
    """The first tensor, in the order of computation, that differs, and where.

    position is the index into the tensor's shape; differing counts the elements of that tensor that
    differ.
    """

    execution: str
    tensor: str
    layer: str
    op: str
    sample: int
    position: tuple[int, ...]
    expected: int
    actual: int
    differing: int
    elements: int

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
        """How reports call it: "simulator", "host", "device"."""

    def first_difference(
        self, graph: Graph, inputs: Array, expected: Mapping[str, Array], first_sample: int
    ) -> Difference | None:
        """Run the samples; where a tensor differs from the expected ones, the first such place."""


@dataclass(frozen=True)
class TensorExecution:
    """An execution that hands over all tensors: by name, (samples, *shape)."""

    name: str
    run: Callable[[Array], Mapping[str, Array]]

    def first_difference(
        self, graph: Graph, inputs: Array, expected: Mapping[str, Array], first_sample: int
    ) -> Difference | None:
        """Run once, then compare tensor by tensor in the order of computation."""
        actual = self.run(inputs)
        for tensor in compared_tensors(graph):
            found = compare(
                graph, tensor, expected[tensor], actual[tensor], self.name, first_sample
            )
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class Verification:
    """What was compared, and the first difference of each execution that has one."""

    executions: tuple[str, ...]
    samples: int
    tensors: int
    differences: tuple[Difference, ...]

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

    Args:
        graph: the int8 graph that was emitted.
        model: its .tflite; tensor names agree with the graph's.
        inputs: (samples, *shape) int8.
        executions: the others; one that has differed is not run again.
        advance: told the number of samples done.
    """
    found: dict[str, Difference] = {}
    for start in range(0, len(inputs), CHUNK):
        chunk = inputs[start : start + CHUNK]
        expected = oracle.run(model, chunk)
        for execution in executions:
            if execution.name not in found:
                difference = execution.first_difference(graph, chunk, expected, start)
                if difference is not None:
                    found[execution.name] = difference
        advance(len(chunk))
    names = (ORACLE_NAME, *(execution.name for execution in executions))
    return Verification(names, len(inputs), len(compared_tensors(graph)), tuple(found.values()))


def compare(
    graph: Graph, tensor: str, expected: Array, actual: Array, execution: str, first_sample: int
) -> Difference | None:
    """The first element of one tensor that differs; expected is (samples, *shape)."""
    actual = actual.reshape(expected.shape)
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
        sample=first_sample + sample,
        position=position,
        expected=int(expected[(sample, *position)]),
        actual=int(actual[(sample, *position)]),
        differing=int(differs[sample].sum()),
        elements=int(differs[sample].size),
    )

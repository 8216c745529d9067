"""From an int8 graph to kernel calls: each node's call, its weights stored by the smallest codec,
its scratch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import choose
from tinycomp.errors import ModelError
from tinycomp.ir import Array, Graph, KernelCall, Node, Weights

Field = int | Array | Encoded


@dataclass(frozen=True, eq=False)
class Operation:
    """A node as C will run it. call is None where the output is the input's bytes.

    fields: the call's, weights already encoded. scratch: bytes, a buffer for decoded weights
    included.
    """

    node: Node
    call: KernelCall | None
    fields: Mapping[str, Field]
    scratch: int = 0

    @property
    def encoded(self) -> tuple[Encoded, ...]:
        """The stored weights of this operation: none or one."""
        return tuple(value for value in self.fields.values() if isinstance(value, Encoded))


@dataclass(frozen=True, eq=False)
class Program:
    """All operations of a graph, in order."""

    graph: Graph
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Storage:
    """How weights may lie in flash.

    codecs: names of those that may be used; all where None. worthwhile: see codecs.choose.
    copied: weights can't be read in place (program memory of a Harvard core), so that each read
    needs a buffer.
    """

    codecs: Collection[str] | None = None
    worthwhile: float = 1.0
    copied: bool = False


def lower(graph: Graph, storage: Storage | None = None) -> Program:
    """Turn every node of an int8 graph into a kernel call, its weights into bytes.

    Raises:
        ModelError: a node has no integer kernel.
    """
    wanted = storage or Storage()
    return Program(graph, tuple(_lower_node(graph, node, wanted) for node in graph.nodes))


def _lower_node(graph: Graph, node: Node, storage: Storage) -> Operation:
    if node.op.float_only:
        raise ModelError(
            f"Layer '{node.name}' ({node.op.name}) can't run in integers.",
            expected="Float-only layers are folded into a convolution or dense layer beside them.",
            hint="Place it directly behind one.",
        )
    call = node.op.kernel(graph.operands(node))
    if call is None:
        return Operation(node, None, {})
    fields: dict[str, Field] = {}
    scratch = call.scratch
    for name, value in call.fields.items():
        if isinstance(value, Weights):
            encoded = choose(value, storage.codecs, storage.worthwhile)
            fields[name] = encoded
            if encoded.buffered or storage.copied:
                scratch += min(value.block, value.values.shape[0]) * value.values.shape[1]
        else:
            fields[name] = np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value
    return Operation(node, call, fields, scratch)

"""How a model's weights lie in flash: their bytes against the instructions that decoding takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, Policy
from tinycomp.codecs._registry import Layer, stored_forms, worth_their_code
from tinycomp.ir import Graph, Weights
from tinycomp.plan.memory import least_arena
from tinycomp.plan.program import Program, Storage, lower
from tinycomp.plan.schedule import total_rows
from tinycomp.plan.streaming import Optimize, choose

CODE = 8192
"""Bytes of flash that are left to code, which is compiled later."""
WORTHWHILE = 2 / 3
"""The share of an uncompressed model's bytes that decoding its weights has to reach."""
POLICIES: dict[Optimize, Policy] = {
    "speed": FASTEST,
    "balanced": BALANCED,
    "ram": FEWEST_BYTES,
}
"""From the fastest to the smallest."""


@dataclass(frozen=True)
class Place:
    """Where a program runs. kernels: the instruction set. copied: see Storage. flash, ram: bytes
    that there are.
    """

    kernels: str
    copied: bool
    flash: int
    ram: int


def choose_storage(graph: Graph, optimize: Optimize, compressed: bool, place: Place) -> Storage:
    """How weights are stored.

    "speed" decodes weights where that is a small share of a layer's work, "balanced" where it saves
    bytes, and many where they are entropy coded; "ram" takes the fewest bytes. A model that nobody
    asked to compress keeps its speed, unless decoding plain forms saves a third of a layer; "ram"
    decodes more of it where that takes no RAM. Where flash is too small, less speed is taken.

    Args:
        graph: int8 layers.
        optimize: for what.
        compressed: whether that was asked for.
        place: where it runs.
    """
    levels = list(POLICIES)
    for level in levels[levels.index(optimize) :]:
        policies = _policies(level, compressed=compressed)
        stored = [_store(graph, optimize, policy, place) for policy in policies]
        best = min(stored, key=lambda one: (one.arena, one.constants))
        if best.constants + CODE <= place.flash:
            break
    return best.storage


def _policies(level: Optimize, *, compressed: bool) -> list[Policy]:
    """Those to try."""
    wanted = POLICIES[level]
    unasked = replace(wanted, decoded=WORTHWHILE, entropy=0)
    if compressed:
        return [wanted]
    return [unasked, wanted] if level == "ram" else [unasked]


@dataclass(frozen=True)
class _Stored:
    """A storage, and the bytes of the arena and of all constant arrays."""

    storage: Storage
    arena: int
    constants: int


def _store(graph: Graph, optimize: Optimize, policy: Policy, place: Place) -> _Stored:
    """What a policy comes to: operations that are streamed read their weights for each row."""
    storage = Storage(policy=policy, copied=place.copied)
    program = lower(graph, storage, place.kernels)
    stretch = choose(program, optimize, place.ram)
    readings = {
        program.operations[index].node.outputs[0]: total_rows(program, index) for index in stretch
    }
    storage = replace(storage, readings=readings)
    storage = replace(storage, codecs=worth_their_code(_layers(graph, storage), policy))
    program = lower(graph, storage, place.kernels)
    return _Stored(storage, least_arena(program, stretch), _constants(program))


def _layers(graph: Graph, storage: Storage) -> list[Layer]:
    """All weights, as each codec would store them."""
    layers = []
    for node in graph.nodes:
        operands = graph.operands(node)
        call = None if node.op.float_only else node.op.kernel(operands)
        for value in call.fields.values() if call else ():
            if isinstance(value, Weights):
                use = storage.use(value, operands.output)
                layers.append(Layer(tuple(stored_forms(value)), use, value.values.size))
    return layers


def _constants(program: Program) -> int:
    """Bytes of the arrays in flash: equal ones lie there once."""
    values = [value for operation in program.operations for value in operation.fields.values()]
    inner = [
        field for value in values if isinstance(value, Encoded) for field in value.fields.values()
    ]
    arrays = {
        (value.dtype.str, value.tobytes())
        for value in (*values, *inner)
        if isinstance(value, np.ndarray)
    }
    return sum(len(data) for _, data in arrays)

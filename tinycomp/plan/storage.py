"""How a model's weights lie in flash: their bytes against the instructions that decoding takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, Policy
from tinycomp.codecs._registry import codecs, general_codecs
from tinycomp.ir import Graph
from tinycomp.plan.memory import least_arena
from tinycomp.plan.program import Program, Storage, lower
from tinycomp.plan.schedule import schedule
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
        room = place.flash - CODE
        best = min(stored, key=lambda one: (one.constants > room, one.arena, one.constants))
        if best.constants <= room:
            break
    return best.storage


def _policies(level: Optimize, *, compressed: bool) -> list[Policy]:
    """Those to try."""
    wanted = POLICIES[level]
    unasked = replace(wanted, decoded=WORTHWHILE, entropy=0)
    if compressed:
        return [wanted]
    return [unasked, wanted] if level == "ram" else [unasked]


@dataclass(frozen=True, eq=False)
class _Stored:
    """What a storage comes to. arena, constants: bytes."""

    storage: Storage
    program: Program
    arena: int
    constants: int

    @property
    def codecs(self) -> set[str]:
        """Those in use."""
        return {encoded.codec for op in self.program.operations for encoded in op.encoded}

    @property
    def flash(self) -> int:
        """Bytes of constants and of decoders, about."""
        parts: dict[str, int] = {}
        for name in self.codecs:
            parts |= codecs()[name].code
        return self.constants + sum(parts.values())


def _store(graph: Graph, optimize: Optimize, policy: Policy, place: Place) -> _Stored:
    """What a policy comes to, without entropy codes whose decoders take more bytes than they save.
    Operations that are streamed read their weights for each row.
    """
    storage = Storage(policy=policy, copied=place.copied, spacious=optimize == "speed")
    program = lower(graph, storage, place.kernels)
    streaming = choose(program, optimize, place.ram)
    steps = Counter(
        step.operation for step in schedule(program, streaming.stretch, pixels=streaming.pixels)
    )
    readings = {
        operation.node.outputs[0]: steps[index]
        for index, operation in enumerate(program.operations)
    }

    def arena(program: Program) -> int:
        return least_arena(program, streaming.stretch, streaming.pixels).bytes

    def store(names: frozenset[str]) -> _Stored:
        wanted = replace(storage, readings=readings, codecs=names)
        program = lower(graph, wanted, place.kernels)
        return _Stored(wanted, program, arena(program), _constants(program))

    names = frozenset(general_codecs())
    best = store(names)
    for name in sorted(best.codecs):
        if codecs()[name].entropy and (fewer := store(names - {name})).flash <= best.flash:
            best, names = fewer, names - {name}
    return best


def _constants(program: Program) -> int:
    """Bytes in flash of the arrays, of which equal ones lie there once, and of codecs' structs."""
    values = [value for operation in program.operations for value in operation.fields.values()]
    stored = [value for value in values if isinstance(value, Encoded)]
    inner = [value for encoded in stored for value in encoded.fields.values()]
    arrays = {(v.dtype.str, v.tobytes()) for v in (*values, *inner) if isinstance(v, np.ndarray)}
    return sum(len(data) for _, data in arrays) + sum(encoded.struct_size for encoded in stored)

"""How a model's weights lie in flash: their bytes against the instructions that decoding takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, Policy
from tinycomp.codecs._registry import codecs, general_codecs
from tinycomp.ir.graph import Graph
from tinycomp.plan.program import Program, Storage, lower
from tinycomp.plan.schedule import Step
from tinycomp.plan.streaming import Optimize, choose

CODE = 8192
"""Bytes of flash that are left to code, which is compiled later."""
MOST_CODE = 16384
"""Bytes of code that decoding may add to a library, at the very most."""
PLAINEST = "dense"
"""The codec of weights that are stored as they are."""
WORTHWHILE = 2 / 3
"""The share of an uncompressed model's bytes that decoding its weights has to reach."""
SHARE, ROOM_LEAST = 3, 256
"""On a core whose weights are copied a layer's working memory takes a third of RAM at most, but
may always have so many bytes.
"""
POLICIES: dict[Optimize, Policy] = {
    "speed": FASTEST,
    "balanced": BALANCED,
    "ram": FEWEST_BYTES,
}
"""From the fastest to the smallest."""


@dataclass(frozen=True)
class StorageTarget:
    """Where a program runs. kernels: the instruction set. copied: see Storage. flash, ram: bytes
    that there are.
    """

    kernels: str
    copied: bool
    flash: int
    ram: int


def stored_program(
    graph: Graph, optimize: Optimize, compressed: bool, place: StorageTarget
) -> Program:
    """The program of a graph, its weights stored as the choice of `--optimize` wants them.

    "speed" decodes weights where that is a small share of a layer's work, "balanced" where it saves
    bytes, and many where they are entropy coded; "ram" takes the fewest bytes. Without a
    compression recipe a model keeps its speed, unless decoding plain forms saves a third of a
    layer; "ram" decodes more of it where that takes no RAM. Where flash is too small, the next
    smaller choice is taken.

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
        best = stored[0] if len(stored) == 1 else _smallest(stored, room, optimize, place)
        if best.constants <= room:
            break
    return best.program


def simpler_programs(
    graph: Graph, program: Program, optimize: Optimize, target: StorageTarget
) -> tuple[Program, ...]:
    """The program with fewer and fewer codecs, down to weights that are stored as they are: each
    time without the one that saves the fewest bytes.

    A decoder is code and wants scratch, and what it takes only a compiler knows. Empty where so
    many bytes are saved that no decoder takes as many, or nothing is decoded.
    """
    storage = _storage(optimize, target)

    def lowered(names: Iterable[str]) -> Program:
        return lower(graph, replace(storage, codecs=frozenset({PLAINEST, *names})), target.kernels)

    plain = lowered(())
    saved = _savings(program, plain)
    if not saved or sum(saved.values()) > MOST_CODE:
        return ()
    names = sorted(saved.keys() & {*general_codecs()}, key=lambda name: (saved[name], name))
    return (*(lowered(names[first:]) for first in range(1, len(names))), plain)


def _storage(optimize: Optimize, target: StorageTarget) -> Storage:
    """How weights may lie on a target; cores with copied weights are those with little RAM."""
    room = max(ROOM_LEAST, target.ram // SHARE) if target.copied else None
    return Storage(copied=target.copied, spacious=optimize == "speed", most_room=room)


def _savings(program: Program, plain: Program) -> Counter[str]:
    """The bytes that each codec saves."""
    saved: Counter[str] = Counter()
    for stored, other in zip(program.operations, plain.operations, strict=True):
        for encoded, dense in zip(stored.encoded, other.encoded, strict=True):
            if encoded.codec != PLAINEST:
                saved[encoded.codec] += dense.size - encoded.size
    return saved


def _smallest(
    stored: list[_Stored], room: int, optimize: Optimize, place: StorageTarget
) -> _Stored:
    """What fits into flash, and takes the least RAM."""

    def size(one: _Stored) -> tuple[bool, int, int]:
        return one.constants > room, choose(one.program, optimize, place.ram).arena, one.constants

    return min(stored, key=size)


def _policies(level: Optimize, *, compressed: bool) -> list[Policy]:
    """Those to try."""
    wanted = POLICIES[level]
    unasked = replace(wanted, decoded=WORTHWHILE, entropy=0)
    if compressed:
        return [wanted]
    return [unasked, wanted] if level == "ram" else [unasked]


@dataclass(frozen=True, eq=False)
class _Stored:
    """A program, and the bytes of its constants."""

    program: Program
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


def _store(graph: Graph, optimize: Optimize, policy: Policy, place: StorageTarget) -> _Stored:
    """What a policy comes to, without entropy codes whose decoders take more than they save."""
    storage = replace(_storage(optimize, place), policy=policy)
    if policy.counts_readings:
        storage = replace(storage, readings=_readings(graph, storage, optimize, place))

    def store(names: frozenset[str]) -> _Stored:
        program = lower(graph, replace(storage, codecs=names), place.kernels)
        return _Stored(program, _constants(program))

    names = frozenset(general_codecs())
    best = store(names)
    for name in sorted(best.codecs):
        if codecs()[name].entropy and (fewer := store(names - {name})).flash <= best.flash:
            best, names = fewer, names - {name}
    return best


def _readings(
    graph: Graph, storage: Storage, optimize: Optimize, place: StorageTarget
) -> dict[str, int]:
    """How often weights are read, by the name of the layer's output: those of operations that are
    streamed for each step.
    """
    program = lower(graph, storage, place.kernels)
    steps = Counter(
        step.operation
        for step in choose(program, optimize, place.ram).steps
        if isinstance(step, Step)
    )
    return {
        operation.node.outputs[0]: steps[index]
        for index, operation in enumerate(program.operations)
    }


def _constants(program: Program) -> int:
    """Bytes in flash of the arrays, of which equal ones lie there once, and of codecs' structs."""
    values = [value for operation in program.operations for value in operation.fields.values()]
    stored = [value for value in values if isinstance(value, Encoded)]
    inner = [value for encoded in stored for value in encoded.fields.values()]
    arrays = {(v.dtype.str, v.tobytes()) for v in (*values, *inner) if isinstance(v, np.ndarray)}
    return sum(len(data) for _, data in arrays) + sum(encoded.struct_size for encoded in stored)

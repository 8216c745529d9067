"""How a model's weights are stored in flash: their size against the instructions for decoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._far import MOST_WEIGHTS
from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, SMALLEST, Policy
from tinycomp.codecs._registry import codecs, far_codecs, general_codecs
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import Weights
from tinycomp.options.build import Optimize
from tinycomp.plan.program import Operation, Program, Storage, lower
from tinycomp.plan.schedule import Step
from tinycomp.plan.streaming import choose

CODE = 8192
"""Bytes of flash reserved for code, which is compiled later."""
MOST_CODE = 16384
"""Upper bound of the code that decoding adds to a library, in bytes."""
STRUCT = 96
"""Upper bound of an operation's struct of constants and its steps in the schedule, in bytes."""
PLAINEST = "dense"
"""The codec that stores weights unchanged."""
WORTHWHILE = 2 / 3
"""Without a compression recipe, a codec must reduce a layer's weights to this fraction."""
SHARE, ROOM_LEAST = 3, 256
"""On a core that copies weights, a layer's scratch is at most RAM / SHARE, but at least ROOM_LEAST
bytes are allowed.
"""
POLICIES: dict[Optimize, Policy] = {
    "speed": FASTEST,
    "balanced": BALANCED,
    "ram": FEWEST_BYTES,
    "flash": SMALLEST,
}
"""From the fastest to the smallest."""


@dataclass(frozen=True)
class StorageTarget:
    """The hardware limits that matter for storing weights."""

    kernels: str
    """Name of the instruction set."""
    copied: bool
    """See Storage.copied."""
    flash: int
    """Available bytes."""
    ram: int
    """Available bytes."""
    far: int | None = None
    """Available bytes of flash where weights may lie beyond `flash`; None: nowhere."""
    array: int | None = None
    """The most bytes of an array that is not far; None: no limit."""

    def holds(self, stored: _Stored) -> bool:
        """Whether the constants that are not far fit, and each array of them."""
        structs = 0 if self.far is None else STRUCT * len(stored.program.operations)
        if stored.near + structs > self.flash - CODE:
            return False
        return self.far is None or self.array is None or stored.largest <= self.array


def stored_program(
    graph: Graph, optimize: Optimize, compressed: bool, place: StorageTarget
) -> Program:
    """The program of a graph, with weights stored according to `--optimize`.

    "speed" decodes weights only if that is a small fraction of a layer's work; "balanced" if it
    saves bytes, and with entropy coding if it saves many; "ram" takes the fewest bytes with which
    the arena is smallest; "flash" the fewest of all. Without a compression recipe, weights are
    decoded only if codecs without entropy coding save a third of a layer; with "ram" more if that
    takes no RAM, and with "flash" in any case. If flash is too small, the next smaller choice is
    taken.

    Args:
        graph: the int8 graph.
        optimize: the goal.
        compressed: whether there is a compression recipe.
        place: the target hardware.
    """
    levels = list(POLICIES)
    for level in levels[levels.index(optimize) :]:
        policies = _policies(level, compressed=compressed)
        stored = [_store(graph, optimize, policy, place) for policy in policies]
        if level == "ram":  # constants are unpacked into RAM
            stored += [
                _store(graph, optimize, replace(policy, beside=0), place)
                for policy, one in zip(policies, stored, strict=True)
                if one.packs
            ]
        room = place.flash - CODE
        best = stored[0] if len(stored) == 1 else _smallest(stored, room, optimize, place)
        if place.holds(best):
            return best.program
    if place.far is not None:
        return _partly_far(graph, optimize, compressed, place, place.far - CODE).program
    return best.program


def _partly_far(
    graph: Graph, optimize: Optimize, compressed: bool, place: StorageTarget, whole: int
) -> _Stored:
    """With as many of the largest layers far as it takes for the others to be in reach.

    Args:
        graph, optimize, compressed, place: as for stored_program.
        whole: bytes for all constants, near and far.
    """
    levels = list(POLICIES)
    for level in levels[levels.index(optimize) :]:
        policy, far = _policies(level, compressed=compressed)[0], frozenset[str]()
        best = _store(graph, optimize, policy, place)
        for name in _largest(best.program):
            if place.holds(best):
                break
            far |= {name}
            best = _store(graph, optimize, policy, place, far)
        if best.constants <= whole:
            break
    return best


def _largest(program: Program) -> list[str]:
    """Outputs of the layers that can be stored far, those with the largest weights first."""
    sizes = {
        operation.node.outputs[0]: encoded.size
        for operation in program.operations
        for encoded in operation.encoded
        if _may_be_far(operation)
    }
    return sorted(sizes, key=lambda name: -sizes[name])


def _may_be_far(operation: Operation) -> bool:
    """Whether its kernel reads any codec, and numbers all its weights."""
    assert operation.call is not None
    weights = next(v for v in operation.call.fields.values() if isinstance(v, Weights))
    wide = operation.call.kernel.startswith("conv_2d_") and operation.call.kernel.endswith("_avr")
    own = weights.codecs is not None and not wide
    return not own and (wide or weights.values.size <= MOST_WEIGHTS)


def simpler_programs(
    graph: Graph, program: Program, optimize: Optimize, target: StorageTarget
) -> tuple[Program, ...]:
    """The program with fewer and fewer codecs, each time without the one that saves the fewest
    bytes, down to dense weights.

    A decoder takes code and scratch, and only the compiler knows how much. Empty if the savings
    exceed any decoder, or if nothing is decoded.
    """
    storage = _storage(optimize, target)

    def lowered(names: Iterable[str]) -> Program:
        return lower(graph, replace(storage, codecs=frozenset({PLAINEST, *names})), target.kernels)

    plain = lowered(())
    saved = _savings(program, plain)
    if not saved or sum(saved.values()) > MOST_CODE or saved.keys() & {*far_codecs()}:
        return ()
    names = sorted(saved.keys() & {*general_codecs()}, key=lambda name: (saved[name], name))
    return (*(lowered(names[first:]) for first in range(1, len(names))), plain)


def other_programs(graph: Graph, target: StorageTarget) -> tuple[Program, ...]:
    """Programs that may take fewer bytes than what `--optimize flash` begins with: one whose layers
    have room for decoded weights, so that they need no kernels that look them up, and one that
    reads constants beside weights where they lie, so that nothing unpacks them.
    """
    if target.far is not None:
        return ()
    plain = replace(SMALLEST, packed=0)
    stored = _store(graph, "speed", SMALLEST, target), _store(graph, "flash", plain, target)
    return tuple(one.program for one in stored if target.holds(one))


def _storage(optimize: Optimize, target: StorageTarget) -> Storage:
    """How weights may be stored on a target; cores that copy weights have little RAM."""
    room = max(ROOM_LEAST, target.ram // SHARE) if target.copied else None
    return Storage(copied=target.copied, spacious=optimize == "speed", most_room=room)


def _savings(program: Program, plain: Program) -> Counter[str]:
    """The bytes saved by each codec; kernels that read zeros in place do so without any other."""
    saved: Counter[str] = Counter()
    for stored, other in zip(program.operations, plain.operations, strict=True):
        for encoded, dense in zip(stored.encoded, other.encoded, strict=True):
            if encoded.codec != dense.codec:
                saved[encoded.codec] += dense.size - encoded.size
    return saved


def _smallest(
    stored: list[_Stored], room: int, optimize: Optimize, place: StorageTarget
) -> _Stored:
    """The one that fits into flash and takes the least RAM."""

    def size(one: _Stored) -> tuple[bool, int, int]:
        return one.constants > room, choose(one.program, optimize, place.ram).arena, one.constants

    return min(stored, key=size)


def _policies(level: Optimize, *, compressed: bool) -> list[Policy]:
    """The policies to try."""
    wanted = POLICIES[level]
    unasked = replace(wanted, decoded=WORTHWHILE, entropy=0)
    if compressed or level == "flash":
        return [wanted]
    return [unasked, wanted] if level == "ram" else [unasked]


@dataclass(frozen=True, eq=False)
class _Stored:
    """A program with its weights stored."""

    program: Program
    """The kernel calls."""
    constants: int
    """Bytes of constants in flash."""

    @property
    def near(self) -> int:
        """Those that are not far."""
        stored = (encoded for op in self.program.operations for encoded in op.encoded)
        return self.constants - sum(encoded.far_bytes for encoded in stored)

    @property
    def largest(self) -> int:
        """Bytes of the largest array of weights that is not far."""
        stored = (encoded for op in self.program.operations for encoded in op.encoded)
        values = (value for encoded in stored for value in encoded.near.values())
        return max((value.nbytes for value in values if isinstance(value, np.ndarray)), default=0)

    @property
    def packs(self) -> bool:
        """Whether constants beside weights are unpacked."""
        return any(op.fields.get("packed") for op in self.program.operations)

    @property
    def codecs(self) -> set[str]:
        """Names of the codecs in use."""
        return {encoded.codec for op in self.program.operations for encoded in op.encoded}

    @property
    def flash(self) -> int:
        """Approximate bytes of constants and decoders."""
        parts: dict[str, int] = {}
        for name in self.codecs:
            parts |= codecs()[name].code
        return self.constants + sum(parts.values())


def _store(
    graph: Graph,
    optimize: Optimize,
    policy: Policy,
    place: StorageTarget,
    far: frozenset[str] = frozenset(),
) -> _Stored:
    """The result of a policy, without entropy codes whose decoders take more than they save."""
    storage = replace(_storage(optimize, place), policy=policy, far=far)
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
    """How often weights are read, by the name of the layer's output: once per step."""
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
    """Bytes in flash of the arrays, with equal ones counted once, and of the codecs' structs."""
    values = [value for operation in program.operations for value in operation.fields.values()]
    stored = [value for value in values if isinstance(value, Encoded)]
    inner = [value for encoded in stored for value in encoded.fields.values()]
    arrays = {(v.dtype.str, v.tobytes()) for v in (*values, *inner) if isinstance(v, np.ndarray)}
    return sum(len(data) for _, data in arrays) + sum(encoded.struct_size for encoded in stored)

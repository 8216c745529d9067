"""Fuzzes the reader, reductions, planner and simulator with mutated .tflite files, against LiteRT.

    PYTHONPATH=.:tests/ops python tests/fuzz_tflite.py 10000 0

runs 10,000 mutants starting with seed 0, and prints failures. A file must be refused with a
ModelError, or give the same bytes as LiteRT in every tensor (float files: the same outputs up to
rounding), within 10 seconds of CPU time. LiteRT runs in a separate process, because it may crash on
a file.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tflite_mutations import mutated
from tflite_seeds import seeds

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.frontend._tflite_repair import repaired
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.plan.program import lower
from tinycomp.plan.streaming import choose
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up, is_float
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.reductions import original_tensors, with_reshapes
from tinycomp.reference.simulate import simulate

SECONDS = 10
"""Limit of CPU time for reading, planning and simulating one file."""
PATIENCE = 12
"""Factor for the limit of wall-clock time, for a busy machine."""
PLANNED = 20
"""One in so many files is also planned, because the search for addresses takes most of the time."""
ROUNDING = 1e-3
"""Allowed difference of float outputs, relative to the largest."""
LARGEST_FLOAT = 1e20
"""Larger float outputs come from absurd weights, and overflow depending on the order of sums."""
_FORK = get_context("fork")


@dataclass(frozen=True)
class Ours:
    """The result of tinycomp for a file: a refusal, or the input and every tensor."""

    refusal: str = ""
    inputs: Array | None = None
    tensors: dict[str, Array] = field(default_factory=dict)
    graph: Graph | None = None
    cleaned: bytes = b""
    """Of a float file: what is quantized, as a float .tflite."""


def ours(data: bytes) -> Ours:
    """Read, reduce, plan and simulate."""
    try:
        graph = parse_tflite(data, "mutant")
        if is_float(graph):
            return _floating(graph)
        smaller = reduce(graph, Silent())
        program = lower(smaller)
        if zlib.crc32(data) % PLANNED == 0:
            choose(program, "balanced", 1 << 30, False)
        inputs = _inputs(graph)
        tensors = simulate(graph, inputs)
        if smaller.reduction is not None:
            claimed = original_tensors(
                smaller.reduction, simulate(smaller, inputs), lambda: tensors
            )
            for name, values in claimed.items():
                if not np.array_equal(values, tensors[name].reshape(values.shape)):
                    raise AssertionError(f"the reduced graph computes another {name}")
    except TinycompError as error:
        return Ours(refusal=str(error))
    return Ours(inputs=inputs, tensors=tensors, graph=graph)


def _floating(graph: Graph) -> Ours:
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    return Ours(inputs=inputs, graph=graph, cleaned=write_tflite(clean_up(graph)))


def _inputs(graph: Graph) -> Array:
    """Random samples, and both ends of the int8 range."""
    shape = graph.tensors[graph.inputs[0]].shape
    random = np.random.default_rng(0).integers(-128, 128, (2, *shape))
    ends = [np.full((1, *shape), value) for value in (-128, 127)]
    return np.concatenate([random, *ends]).astype(np.int8)


def litert(data: bytes, inputs: Array) -> dict[str, Array] | str:
    """LiteRT's tensors, or its refusal."""
    try:
        if inputs.dtype == np.float32:
            return oracle.run_float(repaired(data)[0], inputs)
        return oracle.run(repaired(data)[0], inputs)
    except TinycompError as error:
        return str(error)


class Worker:
    """A function in a process that is restarted if it crashes or hangs."""

    def __init__(self, function: Callable[..., Any], seconds: float) -> None:
        self.function, self.seconds = function, seconds
        self._start()

    def _start(self) -> None:
        self.pipe, other = _FORK.Pipe()
        arguments = (self.function, other, self.seconds)
        self.process = _FORK.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        other.close()

    def __call__(self, *arguments: Any) -> tuple[str, Any]:
        """("done", result), ("raised", traceback), ("crashed", exit code) or ("hung", seconds)."""
        self.pipe.send(arguments)
        try:
            if self.pipe.poll(self.seconds * PATIENCE):
                return self.pipe.recv()  # type: ignore[no-any-return]
            answer: tuple[str, Any] = ("hung", self.seconds)
        except (EOFError, ConnectionError):
            answer = ("crashed", None)
        self.stop()
        self._start()
        return answer

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _HungError(BaseException):
    """The function exceeded its CPU time."""


def _hang(number: int, frame: object) -> None:
    raise _HungError


def _serve(function: Callable[..., Any], pipe: Connection, seconds: float) -> None:
    signal.signal(signal.SIGPROF, _hang)
    while True:
        arguments = pipe.recv()
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            result = function(*arguments)
            signal.setitimer(signal.ITIMER_PROF, 0)
            pipe.send(("done", result))
        except _HungError:
            pipe.send(("hung", seconds))
        except BaseException:
            signal.setitimer(signal.ITIMER_PROF, 0)
            pipe.send(("raised", traceback.format_exc()))


@dataclass
class Fuzzer:
    """Runs mutants; counts outcomes, and stores failures as (what, file, mutation)."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, bytes, str]] = field(default_factory=list)

    def run(self, count: int, seed: int) -> None:
        """Mutate that many files."""
        files = seeds()
        names = sorted(files)
        rng = np.random.default_rng(seed)
        mine, theirs = Worker(ours, SECONDS), Worker(litert, SECONDS)
        try:
            for _ in range(count):
                name = names[rng.integers(len(names))]
                data, how = mutated(files[name], rng)
                self._one(data, f"{name}: {how}", mine, theirs)
        finally:
            mine.stop()
            theirs.stop()

    def _one(self, data: bytes, how: str, mine: Worker, theirs: Worker) -> None:
        kind, found = mine(data)
        if kind != "done":
            self._fail(f"{kind}: {found}", data, how)
        elif found.refusal:
            self.counts["refused"] += 1
        else:
            kind, expected = theirs(data, found.inputs)
            if kind != "done" or isinstance(expected, str):
                self.counts[f"LiteRT {kind if kind != 'done' else 'refused'}"] += 1
                return
            if found.cleaned:
                kind, cleaned = theirs(found.cleaned, found.inputs)
                different = _float_difference(found, cleaned, expected)
            else:
                different = _difference(found, expected)
            if different:
                self._fail(different, data, how)
            else:
                self.counts["equal"] += 1

    def _fail(self, what: str, data: bytes, how: str) -> None:
        self.counts["failed"] += 1
        self.failures.append((what, data, how))


def _difference(found: Ours, tensors: dict[str, Array]) -> str:
    """The first tensor that differs from LiteRT's."""
    assert found.graph is not None
    expected = with_reshapes(found.graph, tensors)
    for name, values in found.tensors.items():
        wanted = expected.get(name)
        if wanted is None or wanted.size != values.size:
            shape = None if wanted is None else wanted.shape
            return f"differs from LiteRT in the shape of {name!r}: {values.shape}, not {shape}"
        if not np.array_equal(wanted, values.reshape(wanted.shape)):
            return f"differs from LiteRT in {name!r}: {_first(values.ravel(), wanted.ravel())}"
    return ""


def _float_difference(found: Ours, cleaned: dict[str, Array] | str, expected: Any) -> str:
    """Whether LiteRT computes otherwise what was read; dynamic-range files round in between."""
    assert found.graph is not None
    if not isinstance(cleaned, dict):
        return f"LiteRT can't run what was read: {cleaned}"
    (values,), (wanted,) = cleaned.values(), expected.values()
    largest = np.abs(wanted, where=np.isfinite(wanted), out=np.zeros_like(wanted)).max(initial=1)
    if found.graph.notes or not np.isfinite(wanted).all() or largest > LARGEST_FLOAT:
        return ""
    apart = np.abs(values.ravel() - wanted.ravel()).max()
    return "" if apart <= ROUNDING * largest else f"differs by {apart} from LiteRT: of {largest}"


def _first(found: Array, expected: Array) -> str:
    at = int(np.argmax(found != expected))
    return f"{found[at]} instead of {expected[at]}, {np.sum(found != expected)} of {found.size}"


def main(count: int, seed: int, folder: Path) -> int:
    """Run, print, and keep failing files; returns the number of failures."""
    fuzzer, start = Fuzzer(), time.monotonic()
    fuzzer.run(count, seed)
    for number, (what, data, how) in enumerate(fuzzer.failures):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"failure_{seed}_{number}.tflite"
        path.write_bytes(data)
        print(f"{path} ({how})\n{what}\n")
    outcome = ", ".join(f"{key} {value}" for key, value in sorted(fuzzer.counts.items()))
    print(f"{count} mutants, seed {seed}, {time.monotonic() - start:.0f} s: {outcome}")
    return len(fuzzer.failures)


if __name__ == "__main__":
    mutants, first_seed = (int(text) for text in [*sys.argv[1:], "10000", "0"][:2])
    sys.exit(main(mutants, first_seed, Path("build/fuzz_tflite")) > 0)

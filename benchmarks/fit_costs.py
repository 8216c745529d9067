"""Fits the coefficients of the planner's cost model to measurements on emulated boards.

    python -m benchmarks.fit_costs [--shared FOLDER] [--new | --keep-calls] [--model FILE]...
        [INSTRUCTION_SET ...]

Builds the official models, dense and with codebooks, and the speed models, with several plans;
reads each layer's instructions; fits the terms of tinycomp/plan/costs.py without negative
coefficients; writes tinycomp/kernels/costs/<set>.json. Run it again after kernels have changed.
With --new only missing kernels are added to the file. With --keep-calls plans stay as they are.
With --model other models are used, which are built without codebooks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks.cases import SHARED, model_path, targets
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.kernels._registry import instruction_sets
from tinycomp.options.build import PlanOptions, Preparation
from tinycomp.plan import costs
from tinycomp.plan.memory import Plan, plan
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import Step
from tinycomp.prepare import Prepared, evaluation_inputs, prepare
from tinycomp.proof.assembly import Assembler, lower_for
from tinycomp.proof.measure import latency_record
from tinycomp.proof.session import session
from tinycomp.report.record import LatencyRecord
from tinycomp.target.boards import Board, list_boards

PLANS = ((0, None), (1, 0), (12, None), (48, None))
"""Pixels per step (0: layer by layer) and the limit above which rows are carried."""
PREFIX = "fit"
LEAST = 0.0005
"""A smaller coefficient is left out."""
ROUNDS, NO_ERROR = 30, 1e-5
"""Of robust fits: how often errors are weighed anew, and one that needs no more weight."""

Coefficients = NDArray[np.float64]


Layer = tuple[int, int]
"""The numbers of a model and of a layer in it; -1 for the loop."""


@dataclass(frozen=True)
class Sample:
    """The instructions of a layer, or of the schedule's loop, in one inference."""

    kernel: str
    """The kernel, or costs.SCHEDULE for the loop."""
    terms: costs.Vector
    """The terms of the cost model."""
    instructions: float
    """Measured instructions."""
    layer: Layer
    """What is the same with other plans."""


def main() -> None:
    """Measure, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="INSTRUCTION_SET")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--new", action="store_true", help="only kernels that the file lacks")
    parser.add_argument(
        "--keep-calls",
        action="store_true",
        help="of known kernels only what does not depend on plans, so that plans stay as they are",
    )
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        help="instead of the official ones; without codebooks",
    )
    options = parser.parse_args()
    measured = [target.board for target in targets()]
    boards = sorted(list_boards(), key=lambda board: board.name not in measured)
    prepared = list(_models(options.model, options.shared))
    for kernels in options.sets or instruction_sets():
        board = next(
            (
                b
                for b in boards
                if b.kernels == kernels and not b.is_host and not firmware_build.missing(b)
            ),
            None,
        )
        if board is None:
            print(f"{kernels}: skipped; no board of this set can be emulated here")
            continue
        samples = [
            sample
            for number, model in enumerate(prepared)
            for sample in measure(model, board, number)
        ]
        path = costs.FOLDER / f"{kernels}.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found = dict(fit(samples, known if options.keep_calls else None))
        if options.new or options.keep_calls:
            found = dict(
                sorted(({**found, **known} if options.new else {**known, **found}).items())
            )
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{kernels}: {len(samples)} layers measured on {board.name}")


def _models(given: Sequence[Path] | None, shared: Path) -> Iterable[Prepared]:
    """The models, if they are given; else the official ones, with and without codebooks, and those
    that nobody tuned for.
    """
    target = targets()[0]
    plain = given or [model_path(name, shared) for name in target.plain_models]
    official = [] if given else [model_path(name, shared) for name in target.models]
    wanted = [(path, bits) for path in official for bits in (None, *target.codebook_bits)]
    for path, bits in (*wanted, *((path, None) for path in plain)):
        yield prepare(Preparation(path, codebook_bits=bits, name="model"), Silent())


def measure(prepared: Prepared, board: Board, number: int = 0) -> Iterable[Sample]:
    """The samples of all layers of a model, the one with that number, with all plans."""
    program = lower_for(prepared, board, PlanOptions(ram_limit=board.memory.ram))
    for pixels, limit in PLANS:
        stretch = range(len(program.operations) if pixels else 0)
        planned = plan(program, stretch, pixels=max(1, pixels), limit=limit)
        yield from samples_of(planned, run(prepared, planned, board), number)


def run(prepared: Prepared, planned: Plan, board: Board) -> LatencyRecord:
    """Measure one inference on the emulated board."""
    inputs = evaluation_inputs(prepared.graph, None, 1)
    with tempfile.TemporaryDirectory() as folder:
        assembler = Assembler(board, PlanOptions(), Path(folder), print)
        firmware = assembler.emit(prepared, planned, PREFIX).firmware
        with session(prepared.graph, prepared.sha256, firmware, None, Silent(), compare=False) as s:
            assert s.device is not None
            return latency_record(s.device, prepared.graph, inputs[0])


def samples_of(planned: Plan, latency: LatencyRecord, number: int = 0) -> Iterable[Sample]:
    """One sample per layer, and one for the schedule's loop."""
    program: Program = planned.program
    counts: dict[int, list[int]] = defaultdict(list)
    for step in planned.steps:
        if isinstance(step, Step):
            counts[step.operation].append(step.last - step.first)
    for index, (operation, layer) in enumerate(
        zip(program.operations, latency.layers, strict=True)
    ):
        if operation.call is not None:
            calls = np.sum([costs.call_terms(program, index, n) for n in counts[index]], axis=0)
            terms = np.concatenate([calls, costs.inference_terms(program, index)])
            yield Sample(costs.kernel_name(operation), terms, layer.value, (number, index))
    rest = latency.value - sum(layer.value for layer in latency.layers)
    loop = costs.loop_terms(program, planned.steps)
    yield Sample(costs.SCHEDULE, loop, max(0, rest), (number, -1))


def fit(
    samples: Sequence[Sample], known: Mapping[str, Mapping[str, float]] | None = None
) -> Iterable[tuple[str, dict[str, float]]]:
    """Coefficients per kernel, and of all kernels together. Of a known kernel those of calls are
    kept, as are those of the loop.
    """
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.kernel].append(sample)
        if sample.kernel != costs.SCHEDULE:
            groups[costs.ANY].append(sample)
    for name, group in sorted(groups.items()):
        names = costs.STEPS if name == costs.SCHEDULE else costs.PER_CALL + costs.PER_INFERENCE
        values = np.array([sample.instructions for sample in group])
        matrix = np.stack([sample.terms for sample in group])
        kept = (known or {}).get(name)
        if name == costs.SCHEDULE:
            found = _solved(matrix, values) if kept is None else _vector(kept, names)
        else:
            calls = None if kept is None else _vector(kept, costs.PER_CALL)
            found = _in_turn(group, calls)
        error = np.abs(matrix @ found - values).sum() / max(1, values.sum())
        print(f"  {name}: {len(group)} samples, mean error {error:.1%}")
        yield name, {n: round(float(x), 3) for n, x in zip(names, found, strict=True) if x >= LEAST}


def _vector(known: Mapping[str, float], names: Sequence[str]) -> Coefficients:
    return np.array([known.get(name, 0.0) for name in names])


def _in_turn(samples: Sequence[Sample], calls: Coefficients | None = None) -> Coefficients:
    """Coefficients of calls, unless they are given, from how a layer's instructions differ between
    two plans, so that nothing else can be taken for them; then those of what plans do not change.
    """
    values = np.array([sample.instructions for sample in samples])
    matrix = np.stack([sample.terms for sample in samples])
    count = len(costs.PER_CALL)
    if calls is None:
        layers = defaultdict(list)
        for index, sample in enumerate(samples):
            layers[sample.layer].append(index)
        pairs = [pair for same in layers.values() for pair in combinations(same, 2)]
        first, second = np.array(pairs, int).reshape(-1, 2).T
        calls = _robust(
            matrix[second, :count] - matrix[first, :count],
            values[second] - values[first],
            np.maximum(values[first], 1),
        )
    others = _solved(matrix[:, count:], values - matrix[:, :count] @ calls, values)
    return np.concatenate([calls, others])


def _robust(matrix: Coefficients, values: Coefficients, sizes: Coefficients) -> Coefficients:
    """The same with the least sum of errors instead of squares: some layers are compiled in
    another way where they are called once.
    """
    found = _solved(matrix, values, sizes)
    for _ in range(ROUNDS):
        errors = np.abs(values - matrix @ found) / sizes
        found = _solved(matrix, values, sizes * np.maximum(errors, NO_ERROR))
    return found


def _solved(
    matrix: Coefficients, values: Coefficients, sizes: Coefficients | None = None
) -> Coefficients:
    """The coefficients, none of them negative. Errors count less in large layers, by `sizes`, or
    by the values.
    """
    weights = 1 / np.sqrt(np.maximum(values if sizes is None else sizes, 1))
    found, _ = nnls(matrix * weights[:, None], values * weights)
    return found


if __name__ == "__main__":
    main()

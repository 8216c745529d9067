"""Fits the coefficients of the planner's cost model to measurements on emulated boards.

    python -m benchmarks.fit_costs [--shared FOLDER] [--new] [--model FILE]... [INSTRUCTION_SET ...]

Builds the official models, dense and with codebooks, with several plans; reads each layer's
instructions; fits the terms of tinycomp/plan/costs.py by least squares without negative
coefficients; writes tinycomp/kernels/costs/<set>.json. Run it again after kernels have changed.
With --new only missing kernels are added to the file. With --model other models are used, which are
built without codebooks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
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


@dataclass(frozen=True)
class Sample:
    """The instructions of a layer, or of the schedule's loop, in one inference."""

    kernel: str
    """The kernel, or costs.SCHEDULE for the loop."""
    terms: costs.Vector
    """The terms of the cost model."""
    instructions: float
    """Measured instructions."""


def main() -> None:
    """Measure, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="INSTRUCTION_SET")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--new", action="store_true", help="only kernels that the file lacks")
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        help="instead of the official ones; without codebooks",
    )
    options = parser.parse_args()
    measured = [target.board for target in targets()]
    boards = sorted(list_boards(), key=lambda board: board.name not in measured)
    official = [model_path(name, options.shared) for name in targets()[0].models]
    prepared = [
        prepare(Preparation(path, codebook_bits=bits, name="model"), Silent())
        for path in options.model or official
        for bits in ((None,) if options.model else (None, *targets()[0].codebook_bits))
    ]
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
        samples = [sample for model in prepared for sample in measure(model, board)]
        path, found = costs.FOLDER / f"{kernels}.json", dict(fit(samples))
        if options.new and path.is_file():
            found = dict(sorted({**found, **json.loads(path.read_text(encoding="utf-8"))}.items()))
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{kernels}: {len(samples)} layers measured on {board.name}")


def measure(prepared: Prepared, board: Board) -> Iterable[Sample]:
    """The samples of all layers of a model, with all plans."""
    program = lower_for(prepared, board, PlanOptions(ram_limit=board.memory.ram))
    for pixels, limit in PLANS:
        stretch = range(len(program.operations) if pixels else 0)
        planned = plan(program, stretch, pixels=max(1, pixels), limit=limit)
        yield from samples_of(planned, run(prepared, planned, board))


def run(prepared: Prepared, planned: Plan, board: Board) -> LatencyRecord:
    """Measure one inference on the emulated board."""
    inputs = evaluation_inputs(prepared.graph, None, 1)
    with tempfile.TemporaryDirectory() as folder:
        assembler = Assembler(board, PlanOptions(), Path(folder), print)
        firmware = assembler.emit(prepared, planned, PREFIX).firmware
        with session(prepared.graph, prepared.sha256, firmware, None, Silent(), compare=False) as s:
            assert s.device is not None
            return latency_record(s.device, prepared.graph, inputs[0])


def samples_of(planned: Plan, latency: LatencyRecord) -> Iterable[Sample]:
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
            yield Sample(costs.kernel_name(operation), terms, layer.value)
    rest = latency.value - sum(layer.value for layer in latency.layers)
    yield Sample(costs.SCHEDULE, costs.loop_terms(program, planned.steps), max(0, rest))


def fit(samples: Sequence[Sample]) -> Iterable[tuple[str, dict[str, float]]]:
    """Coefficients per kernel, and of all kernels together."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.kernel].append(sample)
        if sample.kernel != costs.SCHEDULE:
            groups[costs.ANY].append(sample)
    for name, group in sorted(groups.items()):
        names = costs.STEPS if name == costs.SCHEDULE else costs.PER_CALL + costs.PER_INFERENCE
        values = np.array([sample.instructions for sample in group])
        weights = 1 / np.sqrt(np.maximum(values, 1))
        matrix = np.stack([sample.terms for sample in group])
        found, _ = nnls(matrix * weights[:, None], values * weights)
        error = np.abs(matrix @ found - values).sum() / max(1, values.sum())
        print(f"  {name}: {len(group)} samples, mean error {error:.1%}")
        yield name, {n: round(float(x), 3) for n, x in zip(names, found, strict=True) if x}


if __name__ == "__main__":
    main()

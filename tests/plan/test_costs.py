"""The cost model predicts the instruction counts of the emulated Cortex-M4."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_models import Layers, every_operator

from benchmarks.cases import model_path, targets
from benchmarks.results import read_results
from tinycomp.codecs._costs import decoding_costs
from tinycomp.codecs._registry import codecs
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.kernels._registry import instruction_sets
from tinycomp.ops._window import Window
from tinycomp.options.build import BuildOptions, Optimize, PlanOptions, Preparation
from tinycomp.pipeline import build
from tinycomp.plan.costs import (
    ANY,
    FOLDER,
    GENERIC,
    PER_CALL,
    PER_INFERENCE,
    SCHEDULE,
    STEPS,
    Costs,
    coefficients,
)
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.plan.streaming import choose
from tinycomp.prepare import prepare
from tinycomp.proof.assembly import lower_for
from tinycomp.target.boards import load_board

BOARD = load_board("cortex-m4")
WITHIN, MOSTLY_WITHIN = 0.1, 0.05
"""Allowed relative error; of nine in ten models. If a kernel has changed since it was measured, run
benchmarks/fit_costs.py again.
"""


def test_files_are_complete() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert GENERIC in names
    assert names <= {*instruction_sets()}
    for name in names:
        found = coefficients(name)
        assert {ANY, SCHEDULE} <= {*found}
        for kernel, terms in found.items():
            known = STEPS if kernel == SCHEDULE else PER_CALL + PER_INFERENCE
            assert {*terms} <= {*known}, kernel
            assert all(value > 0 for value in terms.values())


def test_kernels_without_measurements_have_a_cost() -> None:
    program = lower(every_operator())
    costs = Costs(program)
    whole = plan(program)
    assert costs.instructions(whole.steps) > program.graph.cost().macs
    streamed = plan(program, range(len(program.operations)))
    assert costs.instructions(streamed.steps) > costs.instructions(whole.steps)


def test_a_set_without_a_file_uses_costs_of_the_portable_kernels() -> None:
    assert coefficients("no such set") == coefficients(GENERIC)
    text = (FOLDER / f"{GENERIC}.json").read_text(encoding="utf-8")
    assert coefficients(GENERIC) == json.loads(text)


@pytest.mark.shared
@pytest.mark.parametrize("optimize", ["speed", "balanced"])
@pytest.mark.parametrize("model", ["kws_ref_model", "ic_resnet8", "str_ww_ref_model"])
def test_predictions(model: str, optimize: Optimize, shared: Path, tmp_path: Path) -> None:
    if reason := firmware_build.missing(BOARD):
        pytest.skip(f"{BOARD.name}: {reason}")
    wanted = Preparation(shared / "models" / f"{model}_int8.tflite")
    planning = PlanOptions(optimize)
    options = BuildOptions(
        wanted, BOARD.name, tmp_path / "out", samples=1, verify=False, planning=planning
    )
    prepared = prepare(wanted, Silent())
    program = lower_for(prepared, BOARD, planning)
    planned = choose(program, optimize, planning.ram(BOARD))
    report = build(options, Silent())
    assert report.ram is not None
    assert report.latency is not None
    assert planned.arena == report.ram.arena + report.ram.scratch
    predicted = Costs(program).instructions(planned.steps)
    assert predicted == pytest.approx(report.latency.value, rel=WITHIN)


@pytest.mark.slow
@pytest.mark.shared
def test_predictions_of_models_that_nobody_tuned_for(shared: Path) -> None:
    """Nine in ten are near what was measured (benchmarks/results.json)."""
    (target,) = [each for each in targets() if each.board == BOARD.name]
    rows, planning = read_results()[BOARD.name].rows, PlanOptions()
    errors = {}
    for name in target.plain_models:
        prepared = prepare(Preparation(model_path(name, shared)), Silent())
        program = lower_for(prepared, BOARD, planning)
        planned = choose(program, planning.optimize, planning.ram(BOARD))
        predicted = Costs(program).instructions(planned.steps)
        errors[name] = predicted / rows[name].latency - 1
    far = {name: error for name, error in errors.items() if abs(error) > MOSTLY_WITHIN}
    assert len(far) <= len(errors) // 10, far
    assert max(map(abs, errors.values())) <= WITHIN, errors


def test_decoding_is_counted_where_a_kernel_was_measured_without_it() -> None:
    layers = Layers((4, 4, 16))
    layers.weights = "sparse"
    layers.conv("input", 32, Window((3, 3)))
    graph = layers.graph(name="layer")
    dense, decoded = (
        lower(graph, Storage(codecs), BOARD.kernels) for codecs in ({"dense"}, {"bitmap"})
    )
    (encoded,) = decoded.operations[0].encoded
    known, codec = decoding_costs(BOARD.kernels), codecs()["bitmap"]
    more = 32 * 3 * 3 * 16 * known.of(codec, encoded) / known.scale
    assert encoded.codec == "bitmap"
    assert more > 0
    found = [Costs(each).instructions(plan(each).steps) for each in (dense, decoded)]
    assert more <= found[1] - found[0] <= 1.5 * more  # and other kernels

"""The checker accepts every correct plan, for all options, and detects planted errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from host import run_on_host
from small_models import Layers

from tinycomp.common.errors import InternalError, ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ops._window import Window
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.mul import Mul
from tinycomp.plan import check as checker
from tinycomp.plan.check import check, proven
from tinycomp.plan.memory import Buffer, Plan, plan
from tinycomp.plan.program import lower
from tinycomp.plan.schedule import Copy
from tinycomp.plan.streaming import OPTIMIZE, choose
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle

sys.path.append(str(Path(__file__).resolve().parent.parent / "emit"))
from random_graphs import random_graph

KERNELS = ("generic", "armv7e_m", "armv8_1m_mve", "scalar", "avr", "lx6")


def require_right_plans(seed: int, kernels: str) -> None:
    """Check plans of a random graph for every --optimize, and with --push-input if possible."""
    program = lower(random_graph(seed), kernels=kernels)
    for optimize, push in product(OPTIMIZE, (False, True)):
        try:
            planned = choose(program, optimize, push=push)
        except ModelError:
            assert push
            continue
        check(planned)


@pytest.mark.parametrize("kernels", KERNELS)
def test_every_plan_of_a_random_graph_is_correct(kernels: str) -> None:
    require_right_plans(KERNELS.index(kernels), kernels)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 60))
def test_every_plan_of_many_random_graphs_is_correct(seed: int) -> None:
    require_right_plans(seed, KERNELS[seed % len(KERNELS)])


def test_a_tensor_may_be_listed_before_the_one_whose_memory_it_shares() -> None:
    for seed in range(2):
        graph = random_graph(seed)
        turned = replace(graph, tensors=dict(reversed(graph.tensors.items())))
        everything = range(len(graph.nodes))
        for stretch, limit in ((range(0), None), (everything, None), (everything, 0)):
            check(plan(lower(turned), stretch, limit=limit))


def three_branches() -> Graph:
    """A tensor, and a table and a convolution of it in parallel, so low that one step computes all
    rows of each: streaming then only changes the order of layers.
    """
    layers = Layers((3, 1, 3))
    whole = layers.conv("input", 3, Window((3, 3), padding=(1, 1, 1, 1)))
    point = layers.conv(whole, 3, Window((1, 1)))
    table = layers.apply(HardSwish(), point, layers.quantization(whole))
    wide = layers.depthwise(whole, Window((3, 3), padding=(1, 1, 1, 1)))
    layers.concatenate([whole, table, wide])
    return layers.graph()


def test_reordered_layers_follow_the_schedule_table(tmp_path: Path) -> None:
    graph = three_branches()
    planned = choose(lower(graph), "ram")
    order = [step.operation for step in planned.steps if not isinstance(step, Copy)]
    assert order != sorted(order)
    check(planned)
    with pytest.raises(InternalError, match="needs rows"):
        check(replace(planned, stretch=range(0)))
    inputs = np.random.default_rng(0).integers(-128, 128, (4, 3, 1, 3)).astype(np.int8)
    found = run_on_host(graph, inputs, tmp_path, stretch=range(4), pixels=1)
    for name, expected in oracle.run(write_tflite(graph), inputs).items():
        np.testing.assert_array_equal(found[name], expected, name)


def chain() -> Graph:
    """Narrow layers, with rows that wait when streamed."""
    layers, same = Layers((19, 3, 1)), (1, 1, 1, 1)
    x = layers.conv("input", 24, Window((3, 3), padding=same))
    for stride in (1, 1, 2, 1):
        x = layers.depthwise(x, Window((3, 3), (stride, 1), padding=same))
        x = layers.conv(x, 24, Window((1, 1)))
    layers.mean(x)
    return layers.graph()


def streamed(push: bool = False) -> Plan:
    graph = chain()
    return plan(lower(graph), range(len(graph.nodes)), limit=0, push=push)


def with_buffer(planned: Plan, name: str, change: Callable[[Buffer], Buffer]) -> Plan:
    return replace(planned, buffers={**planned.buffers, name: change(planned.buffers[name])})


def test_a_shifted_buffer_is_caught() -> None:
    planned, caught = streamed(), 0
    check(planned)
    for name in planned.program.graph.tensors:
        shifted = with_buffer(planned, name, lambda old: replace(old, offset=old.offset + 4))
        try:
            check(shifted)
        except InternalError:
            caught += 1
    assert caught >= len(planned.buffers) - 2  # beside some there is room
    name = planned.program.graph.outputs[0]
    with pytest.raises(InternalError, match="no multiple of 4"):
        check(with_buffer(planned, name, lambda old: replace(old, offset=old.offset - 1)))


def test_a_row_dropped_from_a_ring_is_caught() -> None:
    planned = streamed()
    rings = {name: buffer.ring for name, buffer in planned.buffers.items() if buffer.ring > 1}
    assert len(rings) >= 5
    for name in rings:
        with pytest.raises(InternalError, match=f"'{name}'"):
            check(with_buffer(planned, name, lambda old: replace(old, ring=old.ring - 1)))


def test_copies_left_out_are_caught() -> None:
    """Also a single one, if others use its memory in the meantime."""
    planned, caught = streamed(), 0
    copies = [i for i, step in enumerate(planned.steps) if isinstance(step, Copy) and step.moved]
    for i in copies:
        try:
            check(replace(planned, steps=(*planned.steps[:i], *planned.steps[i + 1 :])))
        except InternalError:
            caught += 1
    assert caught > len(copies) / 2 > 1
    for name in planned.carried:
        steps = [s for s in planned.steps if not (isinstance(s, Copy) and s.tensor == name)]
        with pytest.raises(InternalError, match=f"needs rows .* of '{name}'"):
            check(replace(planned, steps=tuple(steps)))


def test_scratch_on_a_live_tensor_is_caught() -> None:
    planned = streamed()
    source = planned.program.operations[0].node.inputs[0]
    scratch = {**planned.scratch, 0: (planned.buffers[source].offset,)}
    with pytest.raises(InternalError, match="in its bytes"):
        check(replace(planned, scratch=scratch))


def test_overwritten_sums_of_a_reduction_are_caught() -> None:
    planned = streamed()
    index = len(planned.program.operations) - 1
    assert planned.program.operations[index].node.op.name == "mean"
    for other in range(index):
        if other in planned.scratch:
            scratch = {**planned.scratch, other: planned.scratch[index]}
            with pytest.raises(InternalError):
                check(replace(planned, scratch=scratch))


def test_an_output_on_an_input_is_caught_unless_the_kernel_runs_in_place() -> None:
    layers = Layers((5, 4, 3))
    x = layers.conv("input", 3, Window((3, 3), padding=(1, 1, 1, 1)))
    other = layers.conv("input", 3, Window((1, 1)))
    layers.conv(layers.builder.add(Mul(), [x, other], layers.free()), 3, Window((1, 1)))
    program = lower(layers.graph())
    planned = plan(program)
    product = program.operations[2].node.outputs[0]
    assert planned.buffers[product] == planned.buffers[x]
    on_second = with_buffer(planned, product, lambda _: planned.buffers[other])
    with pytest.raises(InternalError, match=f"writes '{product}' .* while it reads '{other}'"):
        check(on_second)
    call = program.operations[2].call
    assert call is not None
    apart = replace(program.operations[2], call=replace(call, in_place=False))
    operations = (*program.operations[:2], apart, *program.operations[3:])
    with pytest.raises(InternalError, match=f"writes '{product}' .* while it reads '{x}'"):
        check(replace(planned, program=replace(program, operations=operations)))


def test_a_step_left_out_or_done_twice_is_caught() -> None:
    planned = streamed()
    steps = planned.steps
    for i in [i for i, step in enumerate(steps) if not isinstance(step, Copy)][::7]:
        for changed in ((*steps[:i], steps[i], *steps[i:]), (*steps[:i], *steps[i + 1 :])):
            with pytest.raises(InternalError):
                check(replace(planned, steps=changed))


def test_the_counters_of_a_pushed_input_are_kept() -> None:
    planned = streamed(push=True)
    check(planned)
    taken = planned.buffers[planned.program.graph.inputs[0]].offset
    with pytest.raises(InternalError, match="counters were overwritten"):
        check(replace(planned, state=taken))


def test_the_callers_input_is_not_modified() -> None:
    planned = streamed()
    first = planned.program.graph.nodes[0].outputs[0]
    storage = {**planned.storage, first: planned.program.graph.inputs[0]}
    with pytest.raises(InternalError, match="the caller"):
        check(replace(planned, storage=storage))


@pytest.mark.parametrize("push", [False, True])
def test_a_wrong_plan_is_replaced_by_a_simpler_one(push: bool) -> None:
    planned, notes = streamed(push), list[str]()
    assert proven(planned, notes.append) is planned
    assert notes == []
    wrong = replace(planned, steps=tuple(s for s in planned.steps if not isinstance(s, Copy)))
    plain = proven(wrong, notes.append)
    check(plain)
    assert plain.pushed == push
    assert len(notes) == 1
    assert "please report" in notes[0]
    assert f"{plain.arena:,} bytes" in notes[0]


def test_no_plan_is_used_if_none_is_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = streamed()
    wrong = replace(planned, scratch={**planned.scratch, 0: (0,)})
    monkeypatch.setattr(checker, "plan", lambda *_, **__: wrong)
    with pytest.raises(InternalError, match="memory is wrong"):
        proven(wrong, print)

"""The memory map shows the plan: no two buffers share an address at the same time."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from sample_reports import deep
from small_models import every_operator, small_classifier

from tinycomp.plan.memory import Plan, plan
from tinycomp.plan.program import lower
from tinycomp.proof.memory_map import memory_record
from tinycomp.report.colors import hues
from tinycomp.report.memory_chart import memory_chart
from tinycomp.report.page.memory import memory as section
from tinycomp.report.record import AreaRecord, BufferRecord, MemoryRecord

PLANS = {
    "whole": lambda: plan(lower(small_classifier())),
    "streamed": lambda: plan(lower(small_classifier()), range(4)),
    "pushed": lambda: plan(lower(small_classifier()), range(4), push=True),
    "every operator": lambda: plan(lower(every_operator())),
    "every operator, streamed": lambda: plan(lower(every_operator()), range(12)),
}


@pytest.fixture(params=PLANS)
def planned(request: pytest.FixtureRequest) -> Plan:
    found: Plan = PLANS[request.param]()
    return found


def test_buffers_alive_at_the_same_time_do_not_overlap(planned: Plan) -> None:
    areas = [area for buffer in memory_record(planned).buffers for area in buffer.areas]
    for one, other in combinations(areas, 2):
        if one.first <= other.last and other.first <= one.last:
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert apart, (one, other)


def test_the_arena_is_filled_to_its_end(planned: Plan) -> None:
    record = memory_record(planned)
    assert record.arena == planned.arena
    assert record.steps == len(planned.steps)
    end = max(each.offset + each.size for each in record.buffers)
    assert record.arena - 4 < end <= record.arena
    assert all(0 <= each.first <= each.last < record.steps for each in record.buffers)


def test_every_buffer_of_the_plan_is_shown(planned: Plan) -> None:
    record = memory_record(planned)
    names = [name for each in record.buffers if each.kind == "tensor" for name in each.names]
    nodes = [operation.node.name for operation in planned.program.operations]
    assert sorted(names) == sorted(["input", *nodes])
    assert [span.layer for span in record.spans] == nodes
    scratch = {name for each in record.buffers if each.kind == "scratch" for name in each.names}
    assert scratch == {nodes[index] for index in planned.scratch}
    assert any(each.kind == "state" for each in record.buffers) == planned.pushed


def test_a_layer_runs_while_its_input_and_output_are_alive(planned: Plan) -> None:
    record = memory_record(planned)
    owner = {name: each for each in record.buffers if each.kind == "tensor" for name in each.names}
    graph = planned.program.graph
    for span, operation in zip(record.spans, planned.program.operations, strict=True):
        assert owner[span.layer].first <= span.last <= owner[span.layer].last
        for tensor in graph.operands(operation.node).activations:
            producer = graph.producer(tensor.name)
            source = owner[producer.name if producer else "input"]
            assert source.first <= span.first
            assert span.last <= source.last or operation.call is None


def test_alive_at_a_time() -> None:
    buffers = (
        BufferRecord("tensor", ("input",), 0, 10, (AreaRecord(0, 6, 0, 0), AreaRecord(6, 4, 0, 1))),
        BufferRecord("tensor", ("a",), 12, 5, (AreaRecord(12, 5, 1, 1), AreaRecord(12, 5, 3, 3))),
        BufferRecord("scratch", ("b",), 0, 7, (AreaRecord(0, 7, 2, 3),)),
    )
    memory = MemoryRecord(17, 4, (), buffers)
    assert [memory.alive(step, step) for step in range(4)] == [10, 9, 7, 12]
    assert memory.alive(0, 3) == 12


def test_rectangles_fill_the_plot_and_do_not_overlap(planned: Plan) -> None:
    record = memory_record(planned)
    chart = memory_chart(record)
    assert sum(width for _, width in chart.segments) == pytest.approx(100)
    assert chart.ticks[0] == 0
    assert chart.ticks[-1] == record.arena
    assert list(chart.ticks) == sorted(set(chart.ticks))
    for one in chart.rectangles:
        assert one.left >= 0
        assert one.width > 0
        assert one.left + one.width <= 100 + 1e-9
        assert one.bottom + one.height <= 100 + 1e-9
    for one, other in combinations(chart.rectangles, 2):
        across = one.left + one.width <= other.left + 1e-9
        across |= other.left + other.width <= one.left + 1e-9
        along = one.bottom + one.height <= other.bottom + 1e-9
        along |= other.bottom + other.height <= one.bottom + 1e-9
        assert across or along, (one, other)


def test_streamed_layers_share_their_width() -> None:
    """Layers 1 to 4 are streamed and get four parts of the width, the others one each."""
    chart = memory_chart(memory_record(PLANS["streamed"]()))
    layers = len(small_classifier().nodes)
    widths = [(segment.first_layer, segment.last_layer) for segment, _ in chart.segments]
    assert widths == [(0, 3), *((layer, layer) for layer in range(4, layers))]
    assert chart.segments[0][1] == pytest.approx(400 / layers)


@pytest.mark.parametrize("layers", [5, 16, 31, 150])
def test_numbers_on_the_axis_stay_apart(layers: int) -> None:
    report = deep(layers)
    view = section(report, hues(report.layers))
    assert view is not None
    places, left = [], 0.0
    for segment in view["segments"]:
        if segment["label"]:
            places.append(left)
        left += segment["width"]
    assert len(places) >= 4
    assert min(b - a for a, b in pairwise([*places, 100.0])) > 5.9

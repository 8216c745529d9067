"""Shares of latency, flash and RAM by layer: rows add up, and the chart fits the terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from sample_reports import bare, full
from small_models import every_operator

from tinycomp.plan.program import lower
from tinycomp.proof.measure import layer_records
from tinycomp.report import terminal
from tinycomp.report.html import html
from tinycomp.report.layer_table import most_important, share_chart
from tinycomp.report.record import LayerRecord, SpanRecord
from tinycomp.report.shares import BETWEEN, shares


def printed(report, width: int = 80) -> list[str]:
    text = io.StringIO()
    Console(width=width, file=text).print(share_chart(report))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_rows_add_up_to_what_was_measured() -> None:
    report = full()
    found = shares(report)
    assert report.flash is not None
    assert report.ram is not None
    assert found.flash == report.flash.code + report.flash.constants
    assert report.latency is not None
    assert found.latency == report.latency.value
    layers = sum(range(1, len(report.layers) + 1))
    assert (
        {row.name: row.latency for row in found.rows}["between layers"]
        == (report.latency.between)
        == report.latency.value - layers
    )
    assert found.ram == report.ram.arena + 444
    rows = {row.name: row for row in found.rows}
    assert rows["code"].flash == 4000
    assert rows["other constants"].flash == 333
    assert rows["stack"].ram == 444
    assert max(row.ram or 0 for row in found.rows) <= report.ram.arena


def test_layers_that_are_slower_with_hooks_leave_nothing_between() -> None:
    latency = full().latency
    assert latency is not None
    slower = replace(full(), latency=replace(latency, value=latency.value - latency.between - 7))
    assert "between layers" not in {row.name for row in shares(slower).rows}
    assert all(BETWEEN not in row for row in most_important(slower).rows)
    assert "which the compiler made 7 instructions slower" in " ".join(html(slower).split())


def test_ram_of_a_layer_is_the_memory_in_use_while_it_runs() -> None:
    report = bare()
    assert report.memory is not None
    for row, span in zip(shares(report).rows, report.memory.spans, strict=True):
        assert row.ram == report.memory.alive(span.first, span.last)


def test_constants_count_for_the_first_layer_that_has_them() -> None:
    """All arrays of the library, each once, as stored by emit."""
    program = lower(every_operator())
    arrays = {
        (str(value.dtype), value.tobytes()): value.nbytes
        for operation in program.operations
        for value in operation.fields.values()
        if isinstance(value, np.ndarray)
    }
    assert sum(layer.constant_bytes for layer in layer_records(program)) == sum(arrays.values())


@pytest.mark.parametrize("width", [70, 80])
def test_the_chart_fits_the_terminal(width: int) -> None:
    report = full()
    assert report.memory is not None
    long = "functional_1/a_very_long_name_of_a_layer/BiasAdd"
    layers = (replace(report.layers[0], name=long), *report.layers[1:])
    spans = (SpanRecord(long, 0, 3), *report.memory.spans[1:])
    report = replace(report, layers=layers, memory=replace(report.memory, spans=spans))
    lines = printed(report, width)
    assert max(map(len, lines)) <= width
    assert all(line.count("…") <= 1 for line in lines)
    assert any(line.startswith(" functio") and "…" in line for line in lines)


def test_bar_lengths_are_proportional_to_shares() -> None:
    report = full()
    assert report.flash is not None
    constants = report.flash.constants
    report = replace(report, flash=replace(report.flash, code=constants))
    (code,) = (line for line in printed(report) if line.startswith(" code"))
    assert code.split() == ["code", "████", "50", "%"]


def test_columns_without_data_are_omitted() -> None:
    nothing = replace(bare(), ram=None, memory=None, layers=(LayerRecord("a", "relu", 0),))
    lines = printed(nothing)
    assert not any(word in "\n".join(lines) for word in ("latency", "flash", "RAM", "%"))
    assert any(line.strip() == "a" for line in lines)


def test_an_estimate_is_labelled() -> None:
    text = io.StringIO()
    Console(width=80, file=text).print(terminal.summary(full()))
    words = " ".join(text.getvalue().split())
    assert (
        "1,600 cycles, 0.0 ms on CHIP at 120 MHz (1,500 to 1,700); 75 of them are flash wait "
        "states (50 for constants). Computed, not measured on a chip"
    ) in words
    assert "loads 50 %, multiplies 25 %, stores 10 %, others 10 %, taken branches 5 %" in words
    assert "divides" not in words

"""The results of each recipe step, as a record and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from tinycomp.report.numbers import show_metric
from tinycomp.report.record import StepRecord
from tinycomp.report.tables import Figures


def step_line(record: StepRecord) -> str:
    """One line per step, shown while a recipe runs."""
    score = f"{scores}, " if (scores := show_scores(record)) else ""
    return (
        f"{record.name}: {score}{record.bits:.2f} bits per weight, {record.constants:,} bytes of "
        f"constants, {_seconds(record)} s"
    )


def steps_table(records: Sequence[StepRecord], board: str) -> RenderableType:
    """A table with one row per step."""
    title = f"Each step in int8 on {board}, scored on validation samples"
    headings = ("score", "weights", "not 0", "bits", "MACs", "bytes", "arena", "instr.", "sec")
    rows = [
        (
            each.name,
            show_scores(each),
            _short(each.parameters),
            _short(each.non_zeros),
            f"{each.bits:.2f}",
            _short(each.macs),
            f"{each.constants:,}",
            f"{each.arena:,}",
            _short(each.instructions),
            _seconds(each),
        )
        for each in records
    ]
    return Figures(title, ("after",), headings, rows, optional=("sec", "not 0", "MACs", "arena"))


def show_scores(record: StepRecord) -> str:
    """The score after a step, and those of the other outputs with their names; empty without."""
    found = [] if record.score is None else [show_metric(record.metric, record.score)]
    found += [f"{each.output} {show_metric(each.metric, each.value)}" for each in record.others]
    return ", ".join(found)


def _seconds(record: StepRecord) -> str:
    return "" if record.seconds is None else f"{record.seconds:.0f}"


def _short(count: float) -> str:
    """Three digits and a unit."""
    units = ("", "K", "M", "G")
    power = next((n for n in range(len(units)) if count < 999.5 * 1000**n), len(units) - 1)
    return f"{count / 1000**power:.3g}{units[power]}"

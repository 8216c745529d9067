"""The results of each recipe step, as a record and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from tinycomp.report.numbers import show_metric
from tinycomp.report.record import StepRecord


def step_line(record: StepRecord) -> str:
    """One line per step, shown while a recipe runs."""
    score = "" if record.score is None else f"{show_metric(record.metric, record.score)}, "
    return (
        f"{record.name}: {score}{record.bits:.2f} bits per weight, {record.constants:,} bytes of "
        f"constants, {_seconds(record)} s"
    )


def steps_table(records: Sequence[StepRecord], board: str) -> RenderableType:
    """A table with one row per step."""
    title = f"Each step in int8 on {board}, scored on validation samples"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("after", no_wrap=True)
    columns = (
        "score", "weights", "not 0", "bits", "MACs", "bytes", "arena", "instr.", "sec",
    )  # fmt: skip
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for each in records:
        table.add_row(
            each.name,
            "" if each.score is None else show_metric(each.metric, each.score),
            _short(each.parameters),
            _short(each.non_zeros),
            f"{each.bits:.2f}",
            _short(each.macs),
            f"{each.constants:,}",
            f"{each.arena:,}",
            _short(each.instructions),
            _seconds(each),
        )
    return table


def _seconds(record: StepRecord) -> str:
    return "" if record.seconds is None else f"{record.seconds:.0f}"


def _short(count: float) -> str:
    """Three digits and a unit."""
    units = ("", "K", "M", "G")
    power = next((n for n in range(len(units)) if count < 999.5 * 1000**n), len(units) - 1)
    return f"{count / 1000**power:.3g}{units[power]}"

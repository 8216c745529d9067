"""The results of each recipe step, as a record and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from tinycomp.report.numbers import show_metric


@dataclass(frozen=True)
class StepRecord:
    """Figures of the model after a step, quantized to int8 and built."""

    name: str
    """Name of the technique."""
    metric: str
    """The metric of the score: "top-1", "accuracy", "mean squared error"."""
    score: float | None
    """Score on validation samples, which are not trained on; None if there are none."""
    parameters: int
    """Number of weights and biases."""
    non_zeros: int
    """Number of nonzero weights."""
    bits: float
    """Average bits per weight, from the entropy of each layer's values."""
    macs: int
    """Multiply-accumulates per inference."""
    constants: int
    """Flash bytes of weights, tables, biases and multipliers."""
    arena: int
    """Bytes of RAM for activations."""
    instructions: float
    """Instructions per inference, predicted by the planner."""
    seconds: float
    """Duration of the step without the measurement."""
    code: int | None = None
    """Flash bytes of the library's code; None without the board's compiler."""


def step_line(record: StepRecord) -> str:
    """One line per step, shown while a recipe runs."""
    score = "" if record.score is None else f"{show_metric(record.metric, record.score)}, "
    return (
        f"{record.name}: {score}{record.bits:.2f} bits per weight, {record.constants:,} bytes of "
        f"constants, {record.seconds:.0f} s"
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
            f"{each.seconds:.0f}",
        )
    return table


def _short(count: float) -> str:
    """Three digits and a unit."""
    units = ("", "K", "M", "G")
    power = next((n for n in range(len(units)) if count < 999.5 * 1000**n), len(units) - 1)
    return f"{count / 1000**power:.3g}{units[power]}"

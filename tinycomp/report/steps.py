"""What each step of a recipe came to, as a record and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from tinycomp.report.numbers import show_metric


@dataclass(frozen=True)
class StepRecord:
    """The model after a step, in int8 as it would be emitted."""

    name: str
    """The technique's."""
    metric: str
    """What the score is: "top-1", "accuracy", "mean squared error"."""
    score: float | None
    """On validation samples, which are not trained on; None without any."""
    parameters: int
    """Weights and biases."""
    non_zeros: int
    """Weights that are not zero."""
    bits: float
    """Of a weight on average, by the entropy of each layer's values."""
    macs: int
    """Multiply-accumulates of an inference."""
    constants: int
    """Bytes of flash: weights, tables, biases, multipliers."""
    arena: int
    """Bytes of RAM for activations."""
    instructions: float
    """Of an inference, as the planner predicts them."""
    seconds: float
    """That the step took, measuring left out."""


def step_line(record: StepRecord) -> str:
    """In a line, while a recipe runs."""
    score = "" if record.score is None else f"{show_metric(record.metric, record.score)}, "
    return (
        f"{record.name}: {score}{record.bits:.2f} bits a weight, {record.constants:,} bytes of "
        f"constants, {record.seconds:.0f} s"
    )


def steps_table(records: Sequence[StepRecord], board: str) -> RenderableType:
    """One row a step."""
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

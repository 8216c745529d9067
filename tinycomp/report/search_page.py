"""The results of a search as one self-contained HTML page, without scripts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from tinycomp.report.axes import Frame, ends, round_ticks, shares, two_digits
from tinycomp.report.html import environment
from tinycomp.report.numbers import SHARES, show_metric
from tinycomp.report.tables import Figures

_FRAME = Frame()


@dataclass(frozen=True)
class CandidateRecord:
    """A finished candidate."""

    number: int
    """Number of the candidate."""
    metric: str
    """The metric of the score."""
    score: float
    """Score on validation samples."""
    test: float | None
    """Score on the test half; None if it can't be scored."""
    costs: Mapping[str, float]
    """Costs by name: bytes of flash and RAM, instructions."""
    bits: float
    """Average bits per weight."""
    epochs: int
    """Epochs of training."""
    best: bool
    """Whether it is part of the front."""
    file: str
    """The name of its recipe file."""
    recipe: str
    """The text of the recipe."""


@dataclass(frozen=True)
class ToleranceRecord:
    """The sensitivity of a layer to a technique."""

    technique: str
    """Name of the technique."""
    layer: str
    """The layer's name."""
    options: tuple[tuple[str, float], ...]
    """Options and their damage."""


@dataclass(frozen=True)
class SearchRecord:
    """The contents of the page."""

    model: str
    """The model's name."""
    board: str
    """The board's name."""
    limits: str
    """The limits as text; empty without limits."""
    epochs: int
    """Epochs of all candidates together."""
    costs: tuple[str, ...]
    """The minimized costs."""
    candidates: tuple[CandidateRecord, ...]
    """All finished candidates."""
    refused: tuple[str, ...]
    """Why other candidates were not possible."""
    tolerances: tuple[ToleranceRecord, ...]
    """Sensitivity of layers without training."""


def search_page(record: SearchRecord) -> str:
    """The page: the Pareto front as a table and as plots, its recipes, and the sensitivity of
    layers.
    """
    best = sorted((each for each in record.candidates if each.best), key=lambda e: -e.score)
    view = {
        "record": record,
        "best": best,
        "show": show_metric,
        "plots": list(_plots(record)),
        "tolerances": list(_tolerances(record.tolerances)),
    }
    return environment().get_template("search.html.j2").render(view)


def front_table(record: SearchRecord) -> RenderableType:
    """The Pareto front as a table with one row per candidate, the best score first."""
    title = f"Pareto front for {record.board}, scored on validation samples"
    headings = ("score", "test half", *record.costs, "bits", "epochs")
    rows = [
        (
            str(each.number),
            show_metric(each.metric, each.score),
            show_metric(each.metric, each.test),
            *(f"{each.costs[name]:,.0f}" for name in record.costs),
            f"{each.bits:.2f}",
            str(each.epochs),
        )
        for each in sorted((e for e in record.candidates if e.best), key=lambda e: -e.score)
    ]
    return Figures(title, (), ("candidate", *headings), rows, optional=("epochs", "bits"))


def _plots(record: SearchRecord) -> Iterator[dict[str, Any]]:
    """A plot of the score over each cost."""
    if not record.candidates:
        return
    low, high = ends([each.score for each in record.candidates])
    if record.candidates[0].metric in SHARES:
        high = min(high, 1.0)
    metric = record.candidates[0].metric
    for name in record.costs:
        costs = [each.costs[name] for each in record.candidates]
        left, right = ends([math.log(max(cost, 1.0)) for cost in costs])
        points = [
            {
                "x": _FRAME.across((math.log(max(each.costs[name], 1.0)) - left) / (right - left)),
                "y": _FRAME.up((each.score - low) / (high - low)),
                "record": each,
                "title": f"{each.number}: {show_metric(each.metric, each.score)}, "
                f"{each.costs[name]:,.0f}",
            }
            for each in sorted(record.candidates, key=lambda each: each.best)
        ]
        yield {
            "name": name,
            "metric": metric,
            "points": points,
            "across": [
                (_FRAME.across(share), f"{two_digits(math.exp(left + (right - left) * share)):,}")
                for share in shares()
            ],
            "up": [
                (_FRAME.up((tick - low) / (high - low)), show_metric(metric, tick))
                for tick in round_ticks(low, high)
            ],
            "frame": _FRAME,
        }


def _tolerances(found: Sequence[ToleranceRecord]) -> Iterator[dict[str, Any]]:
    """A table for each technique: layers by options, damage in percent."""
    for technique in dict.fromkeys(each.technique for each in found):
        layers = [each for each in found if each.technique == technique]
        alike = len({tuple(name for name, _ in each.options) for each in layers}) == 1
        yield {
            "technique": technique,
            "headings": [name for name, _ in layers[0].options] if alike else [],
            "rows": [
                {
                    "layer": each.layer,
                    "cells": [
                        _damage(damage) if alike else f"{name}: {_damage(damage)}"
                        for name, damage in each.options
                    ],
                }
                for each in layers
            ],
            "columns": max(len(each.options) for each in layers),
        }


def _damage(damage: float) -> str:
    return f"{100 * damage:.2g} %" if damage < 1 else f"{100 * damage:.0f} %"

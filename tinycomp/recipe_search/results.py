"""The results of a search: the Pareto front as files and as a page, and the recipe of each
candidate.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinycomp.emit.folder import write_file
from tinycomp.options.search import Plan, Task
from tinycomp.recipe_search.front import front
from tinycomp.recipe_search.halving import Finished, points
from tinycomp.recipe_search.sensitivity import Sensitivity
from tinycomp.report.search_page import CandidateRecord, SearchRecord, ToleranceRecord, search_page

FRONT, CANDIDATES, TOLERANCE, PAGE = (
    "front.csv", "candidates.csv", "sensitivity.csv", "report.html",
)  # fmt: skip
"""File names."""
_FIGURES = (
    "metric", "score", "test", "flash", "ram", "instructions", "constants", "macs", "bits",
    "epochs", "seconds", "sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """The results so far."""

    task: Task
    """The model, its data and its board."""
    plan: Plan
    """Extent and goals of the search."""
    sensitivity: Sensitivity
    """Sensitivity of layers."""
    finished: tuple[Finished, ...]
    """All finished candidates, in the order in which they were started."""
    refused: Mapping[int, str]
    """Why other candidates were not possible, by number."""

    @cached_property
    def front(self) -> tuple[Finished, ...]:
        """The Pareto front of the candidates that meet the limits; the best score first."""
        kept = [each for each in self.finished if self.plan.limits.kept(each.outcome)]
        values = points([each.outcome for each in kept], self.plan.costs)
        return tuple(kept[index] for index in front(values))

    @cached_property
    def record(self) -> SearchRecord:
        """The record for the terminal and the page."""
        return _record(self)


def recipe_name(number: int) -> str:
    """The name of a candidate's recipe file, in the output folder."""
    return f"recipes/{number}.toml"


def write_results(found: Results, folder: Path) -> None:
    """Write all files atomically.

    Raises:
        OutputError: one can't be written.
    """
    (folder / "recipes").mkdir(exist_ok=True)
    for each in found.finished:
        if not (folder / recipe_name(each.number)).exists():
            write_file(folder / recipe_name(each.number), _recipe(each).encode())
    for name, text in (
        (FRONT, _table(_rows(found, found.front))),
        (CANDIDATES, _table(_rows(found, found.finished))),
        (TOLERANCE, _table(_tolerances(found.sensitivity))),
        (PAGE, search_page(found.record)),
    ):
        write_file(folder / name, text.encode(), force=True)


def _recipe(each: Finished) -> str:
    """The recipe file, with the results in a comment."""
    found = each.outcome
    return (
        f"# Candidate {each.number}: {found.metric} {found.score:.4f} on validation samples, "
        f"{found.flash:,} bytes of flash, {found.ram:,} of RAM.\n{each.recipe}"
    )


def _rows(found: Results, chosen: tuple[Finished, ...]) -> Iterator[list[object]]:
    yield ["candidate", *_FIGURES, "keeps to limits", "recipe"]
    for each in chosen:
        values = each.outcome.values()
        kept = found.plan.limits.kept(each.outcome)
        yield [
            each.number, *(values[name] for name in _FIGURES), kept, recipe_name(each.number),
        ]  # fmt: skip


def _tolerances(found: Sensitivity) -> Iterator[list[object]]:
    yield ["technique", "layer", "weights", "option", "damage"]
    for name, layers in found.items():
        for each in layers:
            for option in each.options:
                yield [name, each.layer, each.weights, option.value, f"{option.damage:.6g}"]


def _table(rows: Iterator[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _record(found: Results) -> SearchRecord:
    best = {each.number for each in found.front}
    limits = found.plan.limits
    return SearchRecord(
        model=found.task.model.stem,
        board=found.task.board,
        limits=limits.describe(),
        epochs=sum(each.outcome.epochs for each in found.finished),
        costs=found.plan.costs,
        candidates=tuple(
            CandidateRecord(
                each.number, each.outcome.metric, each.outcome.score, each.outcome.test,
                {name: each.outcome.cost(name) for name in found.plan.costs},
                each.outcome.bits, each.outcome.epochs, each.number in best,
                recipe_name(each.number), each.recipe,
            )
            for each in found.finished
        ),
        refused=tuple(sorted(set(found.refused.values()))),
        tolerances=tuple(
            ToleranceRecord(
                name, each.layer,
                tuple((str(option.value), option.damage) for option in each.options),
            )
            for name, layers in found.sensitivity.items()
            for each in layers
        ),
    )  # fmt: skip

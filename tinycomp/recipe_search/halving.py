"""Successive halving: all candidates are trained for a few epochs, the best third again for three
times as many, and so on to the full length (asynchronous: L. Li et al., "A system for massively
parallel hyperparameter tuning", MLSys 2020).

A longer training starts from scratch, because its schedule, which ends with small steps and frozen
symbols, is different. So each training is a separate candidate with its own recipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.front import Points, distances, ranks
from tinycomp.recipe_search.outcome import Outcome

SHARE = 3
"""One in SHARE candidates is trained again, with SHARE times as many epochs."""


def lengths(epochs: int) -> tuple[int, ...]:
    """Epochs of the stages of training, the shortest first."""
    found = [epochs]
    while len(found) < 3 and found[0] // SHARE >= 1 and found[0] > 1:
        found.insert(0, max(1, round(found[0] / SHARE)))
    return tuple(found)


@dataclass(frozen=True)
class Finished:
    """A finished training."""

    number: int
    """Number of the candidate."""
    rung: int
    """Index of the stage of training."""
    outcome: Outcome
    """The measured figures."""
    recipe: str = ""
    """The text of its recipe file."""


def points(outcomes: Sequence[Outcome], costs: Sequence[str]) -> Points:
    """(outcomes, values): negated quality, then costs; smaller is better."""
    rows = [[-each.quality, *map(each.cost, costs)] for each in outcomes]
    return np.asarray(rows, np.float64).reshape(len(rows), 1 + len(costs))


def ranked(found: Sequence[Finished], box: Box, shorter: int) -> list[Finished]:
    """Trainings of one stage, the best first: ranked by the excess over the limits, then by what
    they cover of the box, then by non-dominated sorting, then by crowding distance.
    """
    if not found:
        return []
    outcomes = [each.outcome for each in found]
    values = points(outcomes, box.costs)
    missed = [box.limits.missed(each, shorter) for each in outcomes]
    keys = [
        (round(miss, 9), place, rank, -distance, one.number)
        for miss, place, rank, distance, one in zip(
            missed, box.order(outcomes), ranks(values), distances(values), found, strict=True
        )
    ]
    return [found[index] for index in sorted(range(len(found)), key=keys.__getitem__)]


def promoted(found: Sequence[Finished], rungs: int, box: Box) -> list[Finished]:
    """The trainings to promote to the next stage, including those already promoted; the longest
    first.
    """
    chosen: list[Finished] = []
    for rung in reversed(range(rungs - 1)):
        here = [each for each in found if each.rung == rung]
        best = ranked(here, box, rungs - 1 - rung)
        chosen += best[: len(here) // SHARE]
    return chosen

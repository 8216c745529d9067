"""Successive halving: all candidates are trained for a few epochs, the best third again for three
times as many, and so on to the full length (asynchronous: L. Li et al., "A system for massively
parallel hyperparameter tuning", MLSys 2020).

A longer training starts from the beginning: its schedule, which ends with small steps and frozen
symbols, is another one. So each training is a candidate of its own, with a recipe of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.search.front import Points, distances, ranks
from tinycomp.search.outcome import Limits, Outcome

SHARE = 3
"""One of so many candidates goes on, to so many times the epochs."""


def lengths(epochs: int) -> tuple[int, ...]:
    """Epochs of each length of training, the shortest first."""
    found = [epochs]
    while len(found) < 3 and found[0] // SHARE >= 1 and found[0] > 1:
        found.insert(0, max(1, round(found[0] / SHARE)))
    return tuple(found)


@dataclass(frozen=True)
class Finished:
    """A training that is done."""

    number: int
    """Of the candidate."""
    rung: int
    """Which of the lengths it had."""
    outcome: Outcome
    """What it came to."""
    recipe: str = ""
    """The text of its recipe file."""


def points(outcomes: Sequence[Outcome], costs: Sequence[str]) -> Points:
    """(outcomes, values): minus the quality, then the costs; less is better."""
    rows = [[-each.quality, *map(each.cost, costs)] for each in outcomes]
    return np.asarray(rows, np.float64).reshape(len(rows), 1 + len(costs))


def ranked(
    found: Sequence[Finished], costs: Sequence[str], limits: Limits, shorter: int
) -> list[Finished]:
    """Trainings of one length, the best first: those that keep to the limits before others, by what
    they miss; then by the front that they are on; then those that are least alike.
    """
    if not found:
        return []
    values = points([each.outcome for each in found], costs)
    missed = [limits.missed(each.outcome, shorter) for each in found]
    keys = [
        (round(miss, 9), rank, -distance, one.number)
        for miss, rank, distance, one in zip(
            missed, ranks(values), distances(values), found, strict=True
        )
    ]
    return [found[place] for place in sorted(range(len(found)), key=keys.__getitem__)]


def promoted(
    found: Sequence[Finished], rungs: int, costs: Sequence[str], limits: Limits
) -> list[Finished]:
    """The trainings that shall be followed by one of the next length, whether they were or not; the
    longest first.
    """
    chosen: list[Finished] = []
    for rung in reversed(range(rungs - 1)):
        here = [each for each in found if each.rung == rung]
        best = ranked(here, costs, limits, rungs - 1 - rung)
        chosen += best[: len(here) // SHARE]
    return chosen

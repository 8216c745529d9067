"""Which candidates are trained for longer."""

from __future__ import annotations

import pytest

from tinycomp.options.search import Limits
from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.halving import Finished, lengths, promoted, ranked
from tinycomp.recipe_search.outcome import Outcome


def outcome(score: float, flash: int = 1000, ram: int = 100) -> Outcome:
    return Outcome(
        "top-1", score, score, flash, ram, 1e5, flash - 500, 1000, 4.0, 3, 1.0, f"{score}{flash}"
    )


def box(limits: Limits | None = None) -> Box:
    return Box(outcome(0.99, 4000), ("flash",), limits or Limits())


def candidates(*outcomes: Outcome, rung: int = 0) -> list[Finished]:
    return [Finished(number, rung, each) for number, each in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("epochs", "expected"), [(27, (3, 9, 27)), (20, (2, 7, 20)), (3, (1, 3)), (2, (2,)), (1, (1,))]
)
def test_lengths(epochs: int, expected: tuple[int, ...]) -> None:
    assert lengths(epochs) == expected


def test_a_third_is_promoted_and_the_longest_come_first() -> None:
    short = candidates(*(outcome(score) for score in (0.5, 0.9, 0.6, 0.7, 0.8, 0.4)))
    assert [each.number for each in promoted(short, 3, box())] == [1, 4]
    longer = [Finished(10 + n, 1, outcome(score)) for n, score in enumerate((0.9, 0.95, 0.8))]
    found = promoted([*short, *longer], 3, box())
    assert [each.number for each in found] == [11, 1, 4]
    assert promoted(longer, 2, box()) == []  # these had the longest training


def test_candidates_that_miss_a_limit_come_last() -> None:
    found = candidates(outcome(0.99, 3000), outcome(0.9, 2000), outcome(0.8, 1500))
    best = ranked(found, box(Limits(flash=1600)), 0)
    assert [each.number for each in best] == [2, 1, 0]


def test_short_trainings_may_have_more_errors() -> None:
    limits = Limits(accuracy=0.97)
    assert (
        limits.excess(outcome(0.9), 2)["accuracy"] < 0 < limits.excess(outcome(0.9), 1)["accuracy"]
    )
    assert not limits.kept(outcome(0.9))


def test_dominated_candidates_come_after_dominating_ones() -> None:
    found = candidates(outcome(0.9, 1000), outcome(0.8, 1100), outcome(0.95, 2000))
    assert ranked(found, box(), 0)[-1].number == 1


def test_limits_in_words() -> None:
    said = Limits(24000, 1800, None, 0.97).describe()
    assert said == (
        "at most 24,000 bytes of flash, at most 1,800 bytes of RAM, an accuracy of at least 97.00%"
    )
    assert Limits().describe() == ""


def test_a_useless_candidate_is_not_promoted_for_being_the_smallest() -> None:
    short = candidates(outcome(0.3, 100), outcome(0.9, 1000), outcome(0.85, 1500))
    assert [each.number for each in promoted(short, 2, box())] == [1]

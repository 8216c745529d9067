"""A recipe that has not made a model smaller says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tinycomp.options.build import Optimize
from tinycomp.recipes.reasons import why_more_bits, why_not_smaller
from tinycomp.report.record import StepRecord

BEFORE = StepRecord("int8 alone", "top-1", 0.9, 500, 480, 6.5, 10_000, 1_000, 200, 20_000.0, None)


@pytest.mark.parametrize(
    ("constants", "bits", "optimize", "reason"),
    [
        (1_000, 6.4, "flash", "none of the steps asks for fewer. Use --recipe balanced"),
        (995, 3.0, "speed", "than --optimize speed allows. Use --optimize flash."),
        (1_200, 3.0, "flash", "so few (500 parameters) that tables and biases outweigh"),
    ],
)
def test_the_reason(constants: int, bits: float, optimize: Optimize, reason: str) -> None:
    note = why_not_smaller(BEFORE, replace(BEFORE, constants=constants, bits=bits), optimize)
    assert note is not None
    assert note.startswith(f"The constants take {constants:,} bytes, and 1,000 in int8 alone: ")
    assert f"the weights carry {bits:.2f} bits instead of 6.50 each" in note
    assert reason in note


def test_nothing_is_said_of_a_smaller_model() -> None:
    assert why_not_smaller(BEFORE, replace(BEFORE, constants=900, bits=6.5), "flash") is None


@pytest.mark.parametrize(("bits", "said"), [(1.0, False), (1.19, False), (1.4, True), (2.5, True)])
def test_a_training_too_short_for_its_bits_says_so(bits: float, said: bool) -> None:
    note = why_more_bits(1.0, replace(BEFORE, bits=bits))
    assert (note is not None) == said
    assert note is None or f"carry {bits:.2f} bits each, and the step asks for 1: " in note

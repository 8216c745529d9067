"""How the bits of a training are adjusted to the bytes that they take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tinycomp.options.compress import Targets
from tinycomp.recipes.steps import Step
from tinycomp.recipes.targets import LEAST, MOST, _first_bits, _Regulator
from tinycomp.train.loop import Epoch
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule

FLOOR, AIM = 500, 7500


def adjusted(monkeypatch: pytest.MonkeyPatch, bits: float, taken: int, wanted: float) -> float:
    """The bits that are wanted after an epoch with these bits and bytes."""
    monkeypatch.setattr("tinycomp.recipes.targets.finish", lambda model: None)
    meter = SimpleNamespace(floor=lambda *_: FLOOR, taken=lambda *_: (taken, bits))
    runner: Any = SimpleNamespace(meter=meter, compression={})
    step = Step("rate", Rate(wanted), Schedule(epochs=20))
    regulator = _Regulator(runner, step, AIM, Targets(AIM))
    model = SimpleNamespace(tinycomp=SimpleNamespace(rounding={}, layers=()))
    regulator(model, Epoch(min(regulator.epochs), 1.0, None, bits))
    return regulator.wanted


def test_bits_that_still_fall_do_not_raise_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    # 1.5 bits take 45,000 bytes: 0.23 bits should take the 7,000 that are left for weights.
    found = adjusted(monkeypatch, bits=1.5, taken=45_000 + FLOOR, wanted=0.2)
    assert found == pytest.approx(1.5 * 7000 / 45_000)


def test_a_change_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert adjusted(monkeypatch, 1.0, 70_000, 0.9) == pytest.approx(LEAST * 0.9)
    assert adjusted(monkeypatch, 1.0, FLOOR + 1000, 1.0) == pytest.approx(MOST)


def test_bits_that_take_what_they_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert adjusted(monkeypatch, 0.8, AIM, 0.8) == pytest.approx(0.8)


def test_few_bits_are_extrapolated_towards_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinycomp.recipes.targets.finish", lambda model: None)
    monkeypatch.setattr("tinycomp.recipes.targets.trainable", lambda *_: None)
    sizes = iter([(200_000, 4.0), (150_000, 3.0), (100_000, 2.0), (50_000, 1.0)])

    def floor(state: Any, code: bool) -> int:
        return FLOOR if state.compression else 9 * AIM  # without a grid: a multiplier per channel

    meter = SimpleNamespace(floor=floor, taken=lambda *_: next(sizes))
    runner: Any = SimpleNamespace(meter=meter, compression={"steps": []})
    step, state = Step("rate", Rate(2.0), Schedule()), SimpleNamespace(graph=None, compression={})
    found = _first_bits(runner, state, step, AIM, Targets(AIM))  # type: ignore[arg-type]
    assert found == pytest.approx((AIM - FLOOR) / (50_000 - FLOOR))


def test_each_epoch_is_measured_before_symbols_are_frozen() -> None:
    step = Step("rate", Rate(2.0, freeze=0.85), Schedule(epochs=40))
    runner: Any = SimpleNamespace(meter=None, compression={})
    epochs = _Regulator(runner, step, AIM, Targets(AIM)).epochs
    assert {29, 30, 31, 32, 33} <= epochs
    assert max(epochs) == 33  # epoch 34 ends with frozen symbols
    assert len(epochs) < 15

"""How the bits of a training are adjusted to the bytes that they take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.options.compress import Targets
from tinycomp.recipes.measure import Size
from tinycomp.recipes.steps import Step
from tinycomp.recipes.targets import LEAST, MOST, _first_bits, _Regulator
from tinycomp.train.loop import Epoch
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule

FLOOR, AIM = 500, 7500


def adjusted(monkeypatch: pytest.MonkeyPatch, bits: float, taken: int, wanted: float) -> float:
    """The bits that are wanted after an epoch with these bits and bytes."""
    monkeypatch.setattr("tinycomp.recipes.targets.finish", lambda model: None)
    meter = SimpleNamespace(size=lambda *_: Size(taken, FLOOR, bits))
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


def first_bits(monkeypatch: pytest.MonkeyPatch, sizes: list[Size], empty: int = 0) -> float:
    """The bits for AIM, from the sizes on ever coarser grids; the last `empty` of which leave a
    layer without weights.
    """
    weights = iter([np.ones((1, 2))] * (len(sizes) - empty) + [np.zeros((1, 2))] * empty)
    monkeypatch.setattr("tinycomp.recipes.targets.trainable", lambda *_: None)
    monkeypatch.setattr("tinycomp.recipes.targets.finish", lambda _: dense(next(weights)))
    left = iter(sizes)

    def size(state: Any, code: bool) -> Size:
        # Without a grid there is a multiplier for each channel.
        return next(left) if state.compression else Size(9 * AIM, 9 * AIM, 8.0)

    meter = SimpleNamespace(size=size)
    runner: Any = SimpleNamespace(meter=meter, compression={"steps": []})
    step, state = Step("rate", Rate(2.0), Schedule()), SimpleNamespace(graph=None, compression={})
    return _first_bits(runner, state, step, AIM, Targets(flash=AIM))  # type: ignore[arg-type]


def dense(weights: Array) -> Graph:
    """A layer with these weights."""
    builder = GraphBuilder("net")
    constants = [("w", weights), ("b", np.zeros(len(weights)))]
    names = [builder.constant(name, values.astype(np.float32)) for name, values in constants]
    return builder.build(
        [builder.add(FullyConnected(), [builder.input("x", (weights.shape[1],)), *names], "y")]
    )


def test_few_bits_are_extrapolated_towards_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [(200_000, 4.0), (150_000, 3.0), (100_000, 2.0), (50_000, 1.0)]
    found = first_bits(monkeypatch, [Size(total, FLOOR, bits) for total, bits in taken])
    assert found == pytest.approx((AIM - FLOOR) / (50_000 - FLOOR))


def test_code_of_layers_that_a_coarse_grid_empties_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = [Size(total, floor, 1.0) for total, floor in ((9000, 8500), (8900, 8400), (900, 800))]
    with pytest.raises(TinycompError, match=r"7,576 bytes are not possible.* takes 8,400 bytes"):
        first_bits(monkeypatch, [*sizes[:1], sizes[0], sizes[1], sizes[2]], empty=1)


def test_each_epoch_is_measured_before_symbols_are_frozen() -> None:
    step = Step("rate", Rate(2.0, freeze=0.85), Schedule(epochs=40))
    runner: Any = SimpleNamespace(meter=None, compression={})
    epochs = _Regulator(runner, step, AIM, Targets(AIM)).epochs
    assert {29, 30, 31, 32, 33} <= epochs
    assert max(epochs) == 33  # epoch 34 ends with frozen symbols
    assert len(epochs) < 15

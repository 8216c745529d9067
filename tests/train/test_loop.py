"""The training loop: distillation, exact resume, and errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_graphs import run
from small_networks import network, task

from tinycomp.common.errors import OutputError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.train.loop import DivergedError, Epoch, train
from tinycomp.train.losses import Supervision, loss
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule, split

SCHEDULE = Schedule(epochs=3, batch=32, validation=0.2)
SHORT = replace(SCHEDULE, epochs=1)


def supervision() -> Supervision:
    _, y = task()
    teacher = np.eye(3, dtype=np.float32)[y] * 4
    return Supervision.classes(teacher, y)


def model(bits: float = 2.0) -> Any:
    return trainable(network(), [Rate(bits, every=2)], task()[0][:64], logits=True)


def constants(graph: Graph) -> dict[str, bytes]:
    return {name: constant.values.tobytes() for name, constant in graph.constants.items()}


def complete(schedule: Schedule = SCHEDULE, x: Array | None = None, **options: Any) -> Graph:
    made = model()
    train(made, task()[0] if x is None else x, supervision(), schedule, Silent(), **options)
    return finish(made)


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, bytes]:
    """The constants after an uninterrupted run of SCHEDULE."""
    return constants(complete())


def test_it_learns_and_reports_progress() -> None:
    x, y = task()
    made, told = model(bits=3.0), []
    schedule = replace(SCHEDULE, epochs=12)
    epochs = train(made, x, supervision(), schedule, Silent(), report=told.append)
    assert told == epochs
    assert [each.number for each in epochs] == list(range(1, 13))
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].validation is not None
    assert epochs[-1].validation > 0.9
    assert np.mean(run(finish(made), x).argmax(axis=1) == y) > 0.9


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    uninterrupted: dict[str, bytes],
) -> None:
    assert constants(complete()) == uninterrupted
    assert constants(complete(replace(SCHEDULE, seed=1))) != uninterrupted


def test_a_stopped_training_resumes_to_the_same_bytes(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    file = tmp_path / "state.npz"

    def stop(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        complete(checkpoint=file, report=stop)
    left: list[Epoch] = []
    assert constants(complete(checkpoint=file, report=left.append)) == uninterrupted
    assert [epoch.number for epoch in left] == [2, 3]  # kept once the epoch was reported


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.npz"
    complete(SHORT, checkpoint=file)
    with pytest.raises(TinycompError, match="belongs to another training run"):
        complete(replace(SHORT, seed=1), checkpoint=file)
    with pytest.raises(TinycompError, match="belongs to another training run"):
        complete(SHORT, x=task()[0] + 1, checkpoint=file)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.npz"
    complete(SHORT, checkpoint=file)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(TinycompError, match="can't be read"):
        complete(SHORT, checkpoint=file)


def test_a_checkpoint_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="can't be written"):
        complete(SHORT, checkpoint=tmp_path / "no folder" / "state.npz")


def test_a_nan_loss_stops_and_restores_the_last_good_state() -> None:
    x = task()[0].copy()
    poisoned = 3  # one epoch goes well, then this sample is no number
    made, good = model(), []

    def poison(epoch: Epoch) -> None:
        good.append(constants(finish(made)))
        x[split(len(x), SCHEDULE.validation, 0)[0][poisoned]] = np.nan

    with pytest.raises(DivergedError, match=r"epoch 2, .* state after epoch 1"):
        train(made, x, supervision(), SCHEDULE, Silent(), report=poison)
    assert constants(finish(made)) == good[0]


def test_weights_that_are_no_numbers_at_the_end_of_an_epoch_stop_it() -> None:
    x, whole = task()[0].copy(), replace(SCHEDULE, batch=len(task()[0]))  # one step an epoch
    x[split(len(x), SCHEDULE.validation, 0)[0][0], 0] = np.nan  # rectified: the loss is a number
    made = model()
    before = constants(finish(made))
    with pytest.raises(DivergedError, match=r"in epoch 1.* state after epoch 0"):
        train(made, x, supervision(), whole, Silent())
    assert constants(finish(made)) == before


def test_all_impossible_options_are_named() -> None:
    with pytest.raises(TinycompError, match=r"epochs 0, rate 2, temperature -1"):
        Schedule(epochs=0, rate=2, temperature=-1)


def test_losses_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    teacher, outputs = rng.normal(0, 3, (2, 6, 4)).astype(np.float32)
    labels = rng.integers(0, 4, 6)

    def shares(logits: Array) -> Array:
        raised = np.exp(logits.astype(np.float64))
        return raised / raised.sum(axis=-1, keepdims=True)

    soft = -(shares(teacher / 2) * np.log(shares(outputs / 2))).sum(axis=-1).mean() * 4
    hard = -np.log(shares(outputs)[np.arange(6), labels]).mean()
    found = loss("classes", 2.0, 0.7)(Supervision.classes(teacher, labels).rows, outputs)
    assert float(found) == pytest.approx(0.7 * soft + 0.3 * hard, rel=1e-5)
    values = loss("values", 1.0, 1.0)(Supervision.values(teacher, None).rows, outputs)
    assert float(values) == pytest.approx(np.mean((teacher - outputs) ** 2), rel=1e-5)


def test_the_rate_grows_and_falls_as_the_schedule_says() -> None:
    shares = (0.0, 0.05, 0.1, 0.55, 0.8, 1.0)
    cosine = [0.0001, 0.05, 0.1, 0.05, 0.0117, 0.0]
    expected = {
        "cosine": cosine,
        "linear": [*cosine[:4], 0.0222, 0.0],
        "steps": [0.001 * 0.1, 0.05, 0.1, 0.01, 0.001, 0.001],
        "constant": [0.0001, 0.05, 0.1, 0.1, 0.1, 0.1],
    }
    for decay, rates in expected.items():
        schedule = Schedule(rate=0.1, warmup=0.1, decay=decay)  # type: ignore[arg-type]
        found = [schedule.rate_at(share) for share in shares]
        assert found[1:] == pytest.approx(rates[1:], abs=1e-4)
        assert 0 < found[0] < 0.01
    assert Schedule(rate=0.1).rate_at(0) == pytest.approx(0.1)


def test_the_last_samples_of_a_file_can_be_held_out() -> None:
    rows, held = split(10, 0.3, 0, "last")
    assert sorted(held) == [7, 8, 9]
    assert sorted(rows) == list(range(7))
    assert sorted(split(10, 0.3, 0)[1]) != [7, 8, 9]


def stopping(bits: float = 2.0, patience: int = 2) -> tuple[Schedule, Any]:
    """A training with validation scores that can't improve: inputs are independent of classes."""
    schedule = Schedule(epochs=12, batch=32, validation=0.3, patience=patience, rate=0.02)
    return schedule, trainable(network(), [Rate(bits, press=0.2, freeze=0.4)], logits=True)


def noise() -> tuple[Array, Supervision]:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (256, 6, 6, 2)).astype(np.float32)
    y = rng.integers(0, 3, 256)
    return x, Supervision.classes(np.eye(3, dtype=np.float32)[y] * 4, y)


def test_training_stops_if_validation_does_not_improve(tmp_path: Path) -> None:
    (schedule, made), (x, targets) = stopping(), noise()
    states: dict[int, dict[str, bytes]] = {}
    file = tmp_path / "state.npz"

    def keep(epoch: Epoch) -> None:
        states[epoch.number] = constants(finish(made))

    schedule = replace(schedule, average=0.0)  # else the best epoch's averages are what stays
    epochs = train(made, x, targets, schedule, Silent(), file, keep)
    assert 5 + schedule.patience <= len(epochs) < schedule.epochs
    scores = [epoch.validation or 0.0 for epoch in epochs]
    best = 5 + int(np.argmax(scores[4:]))  # symbols are frozen after 0.4 of 12 epochs
    assert len(epochs) == best + schedule.patience
    assert constants(finish(made)) == states[best]
    _, again = stopping()
    assert train(again, x, targets, schedule, Silent(), file) == []
    assert constants(finish(again)) == states[best]


def test_patience_needs_validation_samples() -> None:
    with pytest.raises(TinycompError, match=r"patience 3.*validation = 0.1"):
        Schedule(patience=3, validation=0.0)

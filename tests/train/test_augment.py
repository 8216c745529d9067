"""Augmentation: the effect of each option, and errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from float_graphs import run
from scipy import ndimage
from small_networks import network, task

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.tensor import Array
from tinycomp.train.augment import Augmentation, _rotated, deviations
from tinycomp.train.fine_tune import FineTune
from tinycomp.train.loop import Epoch, train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import finish, trainable
from tinycomp.train.schedule import Schedule

IMAGES = np.random.default_rng(0).normal(3, 2, (40, 7, 5, 2)).astype(np.float32)
SIGNALS = IMAGES.reshape(40, 35, 2)


def changed(x: Array = IMAGES, seed: int = 0, **options: Any) -> Array:
    rng = np.random.default_rng(seed)
    found = Augmentation(**options).apply(x, deviations(x), rng)
    assert found.shape == x.shape
    assert found.dtype == np.float32
    return found


def moved(image: Array, down: int, right: int) -> Array:
    """The image shifted by padding and slicing, independently of the module."""
    height, width = image.shape[:2]
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), "edge")
    return padded[3 - down : 3 - down + height, 3 - right : 3 - right + width]


def test_images_are_shifted_by_all_allowed_steps_and_no_others() -> None:
    seen = set()
    for before, after in zip(IMAGES, changed(shift=2), strict=True):
        fits = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if np.array_equal(moved(before, down, right), after)
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {down for down, _ in seen} == {right for _, right in seen} == set(range(-2, 3))


def test_signals_are_shifted_in_time() -> None:
    steps = set()
    for before, after in zip(SIGNALS, changed(SIGNALS, time_shift=3), strict=True):
        image = before[:, np.newaxis]
        fits = [s for s in range(-3, 4) if np.array_equal(moved(image, s, 0)[:, 0], after)]
        assert len(fits) == 1
        steps.add(fits[0])
    assert steps == set(range(-3, 4))


def test_about_half_of_the_images_are_mirrored() -> None:
    after = changed(flip=True)
    same = np.array([np.array_equal(a, b) for a, b in zip(IMAGES, after, strict=True)])
    mirrored = [np.array_equal(a[:, ::-1], b) for a, b in zip(IMAGES, after, strict=True)]
    assert np.array_equal(same, ~np.array(mirrored))
    assert 10 < same.sum() < 30


def test_images_are_rotated_about_their_centre() -> None:
    image = np.random.default_rng(0).random((8, 11, 2)).astype(np.float32)
    angles = np.radians([-30.0, 0.0, 7.0])
    found = _rotated(np.stack([image] * 3), angles)
    for angle, each in zip(angles, found, strict=True):
        for channel in range(2):
            expected = ndimage.rotate(
                image[..., channel], -np.degrees(angle), reshape=False, order=1, mode="nearest"
            )
            assert np.allclose(each[..., channel], expected, atol=1e-5)
    line = np.zeros((200, 21, 21, 1), np.float32)
    line[:, 10] = 1
    ends = changed(line, rotate=20)[:, :, 20, 0]  # where the line meets the right border
    slopes = (ends * (np.arange(21) - 10)).sum(1) / ends.sum(1) / 10
    assert 15 < np.degrees(np.arctan(slopes.max())) < 20.5
    assert -20.5 < np.degrees(np.arctan(slopes.min())) < -15


def test_crops_are_stretched_parts() -> None:
    ramp = np.broadcast_to(np.arange(101.0)[:, np.newaxis], (30, 101, 1)).astype(np.float32)
    after = changed(ramp, crop=0.5)[:, :, 0]
    spans = after[:, -1] - after[:, 0]
    assert 50 <= spans.min() < 60
    assert 90 < spans.max() <= 100
    assert after.min() >= 0
    assert after.max() <= 100
    assert np.allclose(np.diff(after, axis=1), spans[:, np.newaxis] / 100, atol=1e-4)
    sides = changed(crop=0.6) != IMAGES
    assert sides.any(axis=(0, 2, 3)).all()  # images along both axes
    assert sides.any(axis=(0, 1, 3)).all()


def test_noise_is_relative_to_each_channels_deviation() -> None:
    x = np.random.default_rng(0).normal(0, (1, 100), (500, 20, 2)).astype(np.float32)
    found = (changed(x, noise=0.25) - x).std(axis=(0, 1))
    assert found == pytest.approx([0.25, 25], rel=0.03)


def test_channels_get_gains_of_their_own() -> None:
    found = changed(SIGNALS, gain=0.3) / SIGNALS
    assert np.allclose(found, found[:, :1], rtol=1e-4)
    gains = found[:, 0]
    assert 0.7 <= gains.min() < 0.75
    assert 1.25 < gains.max() <= 1.3
    assert np.abs(gains[:, 0] - gains[:, 1]).max() > 0.3


def test_mixup_mixes_samples_and_labels_alike() -> None:
    labels = np.arange(40, dtype=np.float32)[:, np.newaxis]
    x = labels.reshape(40, 1, 1, 1) * np.ones((1, 2, 2, 1), np.float32)
    mixed, of_labels = Augmentation(mixup=0.5).mix(x, [labels], np.random.default_rng(0))
    assert np.allclose(mixed[:, 0, 0, 0], of_labels[:, 0], atol=1e-5)
    assert len(np.unique(mixed.round(3))) > 30


def test_the_seed_decides() -> None:
    options: dict[str, Any] = {"shift": 2, "flip": True, "rotate": 9, "crop": 0.8, "noise": 0.1}
    assert np.array_equal(changed(**options), changed(**options))
    assert not np.array_equal(changed(**options), changed(seed=1, **options))


@pytest.mark.parametrize(
    ("options", "shape", "text"),
    [
        ({"flip": True}, (128, 9), r"'flip' does not fit samples of 128 x 9.*images.*time_shift"),
        ({"shift": 2}, (784,), r"'shift' does not fit samples of 784.*images.*noise or mixup"),
        ({"time_shift": 2}, (784,), r"'time_shift' does not fit samples of 784.*signals"),
        ({"crop": 0.5}, (784,), r"'crop' does not fit"),
        ({"rotate": 5}, (128, 9), r"'rotate' does not fit samples of 128 x 9.*images"),
        ({"shift": 7}, (28, 7, 1), r"shift = 7 is too large for an axis of 7"),
        ({"time_shift": 128}, (128, 9), r"too large for an axis of 128.*less than 128"),
    ],
)
def test_options_that_do_not_fit_the_samples_are_refused(
    options: dict[str, Any], shape: tuple[int, ...], text: str
) -> None:
    with pytest.raises(TinycompError, match=text):
        Augmentation(**options).require(shape, True)


def test_labels_that_are_values_must_remain_valid() -> None:
    with pytest.raises(TinycompError, match=r"'time_shift' would invalidate labels.*imitation"):
        Augmentation(time_shift=1).require((128, 9), False)
    with pytest.raises(TinycompError, match=r"'gain' would invalidate labels"):
        Augmentation(gain=0.1).require((784,), False)
    Augmentation(noise=0.1, mixup=0.2).require((128, 9), False)
    Augmentation(time_shift=1, crop=0.9, noise=0.1).require((128, 9), True)
    Augmentation(noise=0.1).require((784,), True)


def test_all_impossible_options_are_named() -> None:
    named = r"shift -1, rotate 200, crop 0, noise -0.1 is not possible"
    with pytest.raises(TinycompError, match=named):
        Augmentation(shift=-1, rotate=200, crop=0, noise=-0.1)


def trained(schedule: Schedule, teacher: Any = None) -> tuple[list[Epoch], Any]:
    x, y = task()
    targets = Supervision.classes(np.eye(3, dtype=np.float32)[y] * 4, y)
    model = trainable(network(), [FineTune()], logits=True)
    return train(model, x, targets, schedule, Silent(), teacher=teacher), model


def test_a_training_learns_from_augmented_samples() -> None:
    augment = Augmentation(time_shift=1, noise=0.2, mixup=0.2)
    schedule = Schedule(epochs=10, batch=32, imitation=0.0, augment=augment)
    epochs, model = trained(schedule)
    x, y = task()
    assert np.mean(run(finish(model), x).argmax(axis=1) == y) > 0.85
    assert epochs[-1].loss < epochs[0].loss
    again, _ = trained(schedule)
    assert again == epochs


def test_a_teacher_gives_targets_of_augmented_samples() -> None:
    # An untrained teacher: who imitates it on fresh samples becomes like it, whatever labels say.
    teacher = trainable(network(seed=5), logits=True)
    schedule = Schedule(
        epochs=15, batch=32, imitation=1.0, temperature=1.0, augment=Augmentation(flip=True)
    )
    with pytest.raises(TinycompError, match=r"needs the float model's outputs.*set imitation"):
        trained(schedule)
    _, model = trained(schedule, teacher)
    x, _ = task()
    said = teacher.predict(x, verbose=0)
    agree = np.mean(model.predict(x, verbose=0).argmax(axis=1) == said.argmax(axis=1))
    _, plain = trained(replace(schedule, augment=Augmentation()))
    other = np.mean(plain.predict(x, verbose=0).argmax(axis=1) == said.argmax(axis=1))
    assert agree > max(0.8, other)

"""`tinycomp build --stream`, and the commands that take its folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal
from small_models import Layers

from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.mean import Mean
from tinycomp.quantization.export import write_tflite

BUILD = ("build", "window.tflite", "-o", "streamed", "--board", "host")


@pytest.fixture
def window(folder: Path) -> Path:
    """A folder with a model over 20 rows and samples of it."""
    layers = Layers((20, 3, 2))
    x = layers.conv("input", 4, Window((4, 2)), Activation.RELU)
    x = layers.conv(x, 6, Window((3, 1), dilation=(2, 1)))
    x = layers.apply(Mean(), x, layers.quantization(x))
    layers.softmax(layers.dense(x, 3))
    (folder / "window.tflite").write_bytes(write_tflite(layers.graph(name="window")))
    rng = np.random.default_rng(0)
    np.savez(folder / "window.npz", x=rng.normal(0, 1, (12, 20, 3, 2)), y=rng.integers(0, 3, 12))
    return folder


def test_a_streamed_build_is_verified_again(window: Path, run: Command) -> None:
    done = run(*BUILD, "--stream", "2", "--data", "window.npz")
    assert done.code == 0, done.err
    assert "2 new rows an inference, of a window of 20" in done.words
    assert "equal in every byte" in done.words
    note = "The 9 inferences before the window is full are not compared with LiteRT."
    assert note in " ".join(done.err.split())
    assert "softmax" not in done.err
    report = json.loads((window / "streamed" / "report.json").read_text())
    assert (report["stream"]["hop"], report["stream"]["ready"]) == (2, 10)
    assert report["accuracy"]["samples"] == 12  # of whole windows
    assert report["stream"]["whole"] is None or report["stream"]["whole"]["ram"]["state"] == 0
    for data in ((), ("--data", "window.npz")):
        again = run("verify", "streamed", "--samples", "5", *data)
        assert again.code == 0, again.err
        assert "5 samples" in again.words


def test_refusals(window: Path, refusal: Refusal) -> None:
    text = refusal(*BUILD, "--stream", "20")
    assert "--stream 20: the window of 'window' has 20 rows" in text
    text = refusal(*BUILD, "--stream", "1", "--push-input")
    assert "--stream and --push-input are two ways to hand in rows." in text

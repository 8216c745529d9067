"""Compression is compared with plain int8, and a codec's savings with its decoder's cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import Layers

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ops._window import Window
from tinycomp.options.build import Optimize, PlanOptions, Preparation
from tinycomp.proof.assembly import RAM_BYTE
from tinycomp.quantization.export import write_tflite
from tinycomp.report.record import Report, read_report
from tinycomp.target.boards import load_board

UNO = load_board("uno")
pytestmark = pytest.mark.skipif(
    firmware_build.missing(UNO) is not None, reason=f"no uno: {firmware_build.missing(UNO)}"
)


class _Random(Layers):
    """Layers with random weights, which repeat only after compression."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, seed=3)

    def _values(self, channels: int, length: int) -> np.ndarray:
        values = self.rng.normal(0, 40, (channels, length)).round()
        return np.clip(values, -127, 127).astype(np.int8)


def build(folder: Path, width: int, board: str = "uno", *, bench: bool = False) -> Report:
    """A small convolutional model, compressed for a board."""
    layers = _Random((8, 8, 2))
    x = layers.conv("input", 8, Window((3, 3)))
    x = layers.dense(layers.reshape(x, (8 * 36,)), width)
    layers.softmax(layers.dense(x, 4))
    (folder / "t.tflite").write_bytes(write_tflite(layers.graph()))
    wanted = Preparation(folder / "t.tflite", codebook_bits=4)
    options = pipeline.BuildOptions(
        wanted, board, folder / "out", verify=False, bench=bench, planning=PlanOptions("balanced")
    )
    return pipeline.build(options, Silent())


def test_a_small_model_is_never_larger_than_plain_int8(tmp_path: Path) -> None:
    report = build(tmp_path, 4)
    assert report.flash is not None
    assert report.plain is not None
    assert report.flash.total <= report.plain.flash.total
    assert {layer.codec for layer in report.layers if layer.codec} == {"dense"}
    assert any("not stored as" in note for note in report.notes)
    (idle,) = [note for note in report.notes if note.startswith("Codebooks save nothing")]
    assert idle.startswith("Codebooks save nothing here: ")
    assert idle.endswith(
        "Build without codebooks to have the accuracy of plain int8, or add --optimize flash for "
        "fewer bytes."
    )


def test_codecs_are_kept_if_they_save(tmp_path: Path) -> None:
    report = build(tmp_path, 40)
    assert report.flash is not None
    assert report.plain is not None
    assert report.flash.total < 0.8 * report.plain.flash.total
    stored = {layer.name: layer.codec for layer in report.layers if layer.codec}
    assert "codebook" in stored.values()
    idle = " ".join(note for note in report.notes if note.startswith("Codebooks save nothing"))
    assert {name for name in stored if repr(name) in idle} == {
        name for name, codec in stored.items() if codec == "dense"
    }


def test_scratch_memory_of_a_decoder_counts(tmp_path: Path) -> None:
    """Half of the weights are zero: storing only the others saves a little flash and takes much
    RAM, which is scarce on an Uno.
    """
    report = _pruned(tmp_path, "balanced", codebook_bits=4, sparsity=0.3)
    assert report.flash is not None
    assert report.ram is not None
    assert report.plain is not None
    assert report.plain.ram is not None
    saved = report.plain.flash.total - report.flash.total
    assert report.ram.total - report.plain.ram.total <= saved / RAM_BYTE


def test_the_least_flash_is_wanted_whatever_ram_it_takes(tmp_path: Path) -> None:
    """Weights that are read in place need no RAM."""
    board = "cortex-m4"
    if firmware_build.missing(load_board(board)) is not None:
        pytest.skip(f"no {board}")
    balanced = _pruned(tmp_path / "balanced", "balanced", board, sparsity=0.5)
    smallest = _pruned(tmp_path / "flash", "flash", board, sparsity=0.5)
    assert balanced.flash is not None
    assert smallest.flash is not None
    assert balanced.ram is not None
    assert smallest.ram is not None
    assert smallest.flash.total < balanced.flash.total
    assert smallest.ram.total > balanced.ram.total


def _pruned(folder: Path, goal: Optimize, board: str = "uno", **compression: Any) -> Report:
    """Two convolutions and two dense layers, compressed for a board."""
    layers = _Random((8, 8, 1))
    x = layers.conv(layers.conv("input", 8, Window((3, 3))), 16, Window((3, 3)))
    layers.dense(layers.dense(layers.reshape(x, (256,)), 16), 10)
    folder.mkdir(exist_ok=True)
    (folder / "t.tflite").write_bytes(write_tflite(layers.graph()))
    wanted = Preparation(folder / "t.tflite", **compression)
    options = pipeline.BuildOptions(
        wanted, board, folder / "out", verify=False, bench=False, planning=PlanOptions(goal)
    )
    return pipeline.build(options, Silent())


def test_worse_figures_are_reported(tmp_path: Path) -> None:
    """Decoding takes cycles and buffers; the Mega has enough memory for the harness as well."""
    report = build(tmp_path, 40, "mega", bench=True)
    assert report.plain is not None
    assert report.latency is not None
    assert report.plain.latency is not None
    assert report.latency.value > report.plain.latency
    (note,) = [note for note in report.notes if note.startswith("Plain int8 is better")]
    assert f"{report.plain.latency:,} cycles instead of {report.latency.value:,}" in note
    assert "flash" not in note
    assert read_report(tmp_path / "out").plain == report.plain


def test_nothing_to_compare_without_compression(tmp_path: Path) -> None:
    layers = _Random((4,))
    layers.dense("input", 4)
    (tmp_path / "t.tflite").write_bytes(write_tflite(layers.graph()))
    options = pipeline.BuildOptions(
        Preparation(tmp_path / "t.tflite"), "uno", tmp_path / "out", verify=False, bench=False
    )
    assert pipeline.build(options, Silent()).plain is None

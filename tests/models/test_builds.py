"""Complete builds of the official models on the emulated Cortex-M4: all executions are equal, and
the limits of the figures hold.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.options.build import PlanOptions, Preparation
from tinycomp.report.record import Report
from tinycomp.target.boards import load_board

M4 = load_board("cortex-m4")
SAMPLES = {
    "kws_ref_model_int8": 2,
    "ic_resnet8_int8": 2,
    "vww_96_int8": 1,
    "ad01_int8": 2,
    "str_ww_ref_model_int8": 2,
}
MOST_INSTRUCTIONS = 6.0
"""The most instructions per multiply-accumulate."""
MOST_CODE = 10 * 1024
"""The most code bytes of keyword spotting's inference, at -Os."""
MOST_WEIGHTS = 12_800
"""The most bytes of its weights with 4-bit codebooks, tables included."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed"),
    pytest.mark.skipif(
        firmware_build.missing(M4) is not None, reason=f"no cortex-m4: {firmware_build.missing(M4)}"
    ),
]


@pytest.mark.parametrize("model", SAMPLES)
def test_all_executions_are_equal(model: str, shared: Path, tmp_path: Path) -> None:
    wanted = Preparation(shared / "models" / f"{model}.tflite")
    options = pipeline.BuildOptions(wanted, M4.name, tmp_path / "out", SAMPLES[model], bench=False)
    report = pipeline.build(options, Silent())
    (record,) = report.verify
    assert record.executions == ("litert", "simulator", "host", "device")
    assert record.equal
    assert record.samples == SAMPLES[model]
    assert record.tensors > 8
    assert not [note for note in report.notes if note.startswith("Skipped")]


@pytest.mark.parametrize("model", ["kws_ref_model_int8", "ic_resnet8_int8", "ad01_int8"])
def test_instructions_a_multiply_accumulate(model: str, shared: Path, tmp_path: Path) -> None:
    """Planned for speed, because streaming by rows trades instructions for RAM."""
    wanted = Preparation(shared / "models" / f"{model}.tflite")
    report = pipeline.build(
        pipeline.BuildOptions(
            wanted, M4.name, tmp_path / "out", verify=False, planning=PlanOptions("speed")
        ),
        Silent(),
    )
    assert report.latency is not None
    assert report.latency.unit == "instructions"
    assert report.latency.value / report.model.macs <= MOST_INSTRUCTIONS


@pytest.fixture(scope="module")
def keywords(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """Keyword spotting from its Keras file, with 4-bit codebooks, on all data."""
    folder = tmp_path_factory.mktemp("keywords") / "out"
    data = shared / "data" / "kws01.npz"
    wanted = Preparation(shared / "models" / "kws.keras", data, codebook_bits=4)
    return pipeline.build(pipeline.BuildOptions(wanted, M4.name, folder), Silent()), folder


def test_accuracy_of_keyword_spotting(keywords: tuple[Report, Path]) -> None:
    accuracy = keywords[0].accuracy
    assert accuracy is not None
    assert (accuracy.metric, accuracy.samples) == ("top-1", 1000)
    assert accuracy.float == pytest.approx(0.913)
    assert accuracy.dense_int8 is not None
    assert accuracy.dense_int8 >= 0.913 - 0.005
    assert accuracy.int8 is not None
    assert accuracy.int8 >= 0.913 - 0.015
    (area,) = accuracy.others
    assert area.metric == "ROC AUC"
    assert area.int8 is not None
    assert area.int8 > 0.98
    assert sum(map(sum, accuracy.confusion)) == 1000


def test_keyword_spotting_is_equal_everywhere(keywords: tuple[Report, Path]) -> None:
    (record,) = keywords[0].verify
    assert record.executions == ("litert", "simulator", "host", "device")
    assert record.equal


def test_weights_of_keyword_spotting(keywords: tuple[Report, Path]) -> None:
    """At most 16 values per codebook, in at most 12.5 KB; dense int8 takes 22.0 KB."""
    report, _ = keywords
    assert report.weight_bytes <= MOST_WEIGHTS
    assert report.flash is not None
    assert report.weight_bytes < report.flash.constants


def test_code_of_keyword_spotting(keywords: tuple[Report, Path], tmp_path: Path) -> None:
    report, folder = keywords
    small = M4.model_copy(update={"compiler": M4.compiler.model_copy(update={"optimize": "-Os"})})
    firmware = FirmwareBuild(small, folder / "library", report.prefix, tmp_path)
    assert firmware.measure().sizes.code <= MOST_CODE

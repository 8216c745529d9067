"""The answers at the top of a report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_reports import bare, full, regression

from tinycomp.report.answers import Answer, answers, fits, verdict
from tinycomp.report.record import (
    ActivationRecord,
    FlashRecord,
    PlainRecord,
    RamRecord,
    Report,
    RoomRecord,
    VerifyRecord,
)  # fmt: skip


def answered(report: Report) -> dict[str, Answer]:
    return {answer.question: answer for answer in answers(report)}


def sized(flash: int, ram: int, room: RoomRecord | None) -> Report:
    return replace(full(), flash=FlashRecord(flash, 0), ram=RamRecord(ram - 100, 0, 100), room=room)


@pytest.mark.parametrize(
    ("flash", "ram", "fit", "words"),
    [
        (1000, 500, True, "Fits cortex-m4: 100.0 % of its flash, 50.0 % of its RAM."),
        (1001, 500, False, "Does not fit cortex-m4: 100.1 % of its flash, 50.0 % of its RAM."),
        (1, 500, True, "Fits cortex-m4: 0.1 % of its flash, 50.0 % of its RAM."),
        (10, 1001, False, "Does not fit cortex-m4: 1.0 % of its flash, 100.1 % of its RAM."),
    ],
)
def test_whether_it_fits(flash: int, ram: int, fit: bool, words: str) -> None:
    report = sized(flash, ram, RoomRecord(1000, 1000))
    assert fits(report) is fit
    assert verdict(report) == words


def test_a_small_part_is_not_called_none() -> None:
    report = sized(4, 500, RoomRecord(10_000, 1_100_000))
    words = "under 0.1 %"
    assert verdict(report) == f"Fits cortex-m4: {words} of its flash, {words} of its RAM."
    assert answered(report)["RAM"].detail.startswith(f"{words} of 1,100,000, ")


def test_unknown_sizes_and_this_computer() -> None:
    no_code = replace(full(), flash=None)
    assert fits(no_code) is None
    assert verdict(no_code) == "Built for cortex-m4: the flash was not measured."
    assert verdict(sized(1, 200, None)) == "Built for cortex-m4: there is no limit."


def test_bytes_left_and_missing() -> None:
    found = answered(sized(400, 1100, RoomRecord(1000, 1000)))
    assert found["Flash"].value == "400 bytes"
    assert found["Flash"].share == pytest.approx(0.4)
    assert found["Flash"].detail.startswith("40.0 % of 1,000, 600 bytes left")
    assert "100 bytes too many: arena 1,000, stack 100" in found["RAM"].detail


def test_the_stages_of_accuracy() -> None:
    assert answered(full())["Accuracy"] == Answer(
        "Accuracy", "93.5 % \u2192 93.0 % \u2192 92.0 %",
        "float \u2192 int8 \u2192 compressed; top-1 of 200 samples, and the same on "
        "cortex-m4: every byte is equal",
    )  # fmt: skip
    accuracy = full().accuracy
    assert accuracy is not None
    plain = replace(full(), accuracy=replace(accuracy, float=None, int8=accuracy.dense_int8))
    assert answered(plain)["Accuracy"].value == "93.0 %"
    (record,) = full().verify
    for verify in ((), (replace(record, equal=False),)):
        unproven = answered(replace(full(), verify=verify))["Accuracy"]
        assert unproven.detail.endswith("of 200 samples")
    wrong = answered(replace(full(), accuracy=regression(2)))["Error"]
    assert wrong.value == "0.01234 \u2192 0.0125 \u2192 0.0126"


@pytest.mark.parametrize(
    ("dtypes", "words"),
    [
        (("int8", "int8"), "int8"),
        (("int16", "int16"), "int16 activations"),
        (("int16", "int8"), "int8 and int16 activations"),
    ],
)
def test_types_of_activations_are_named(dtypes: tuple[str, ...], words: str) -> None:
    tensors = tuple(ActivationRecord(f"t{n}", (4,), dtype) for n, dtype in enumerate(dtypes))
    report = replace(full(), tensors=tensors)
    detail = answered(report)["Accuracy"].detail
    assert detail.startswith(f"float \u2192 {words} \u2192 compressed; top-1 of 200 samples")
    plain = PlainRecord(FlashRecord(8000, 0), RamRecord(900, 0, 100), 2000)
    compared = "As plain int8" if words == "int8" else "Not compressed"
    assert compared in answered(replace(report, plain=plain))


def test_the_peak_names_the_layer_and_its_largest_buffer() -> None:
    report = full()
    assert report.memory is not None
    memory = report.memory
    found = answered(report)["Peak"]
    assert found.value == f"{max(memory.usage):,} bytes"
    largest = memory.at(memory.peak)[0]
    assert f"{largest.described}, {largest.size:,} bytes" in found.detail


def test_time_is_a_range_or_instructions() -> None:
    report = full()
    assert report.latency is not None
    assert answered(report)["Time"].value == "about 0.02 to 0.03 ms"
    assert "mine at 64 MHz, an estimate; 1,000 instructions" in answered(report)["Time"].detail
    counted = answered(replace(report, latency=replace(report.latency, time=None)))
    assert counted["Instructions"].value == "1,000"


@pytest.mark.parametrize(
    ("flash", "words"),
    [
        (8000, "this build has 50 % less flash"),
        (3200, "this build has 25 % more flash"),
        (4000, "compression saves no flash here"),
    ],
)
def test_plain_int8(flash: int, words: str) -> None:
    plain = PlainRecord(FlashRecord(flash, 0), RamRecord(900, 0, 100), 2000)
    report = replace(full(), flash=FlashRecord(4000, 0), plain=plain)
    found = answered(report)["As plain int8"]
    assert found.value == f"{flash:,} bytes"
    assert found.detail == f"1,000 bytes of RAM, 2,000 instructions, {words}"


def test_a_difference_is_the_answer() -> None:
    found = answered(replace(full(), verify=(VerifyRecord(("a", "b"), 1, 2, False, "x"),)))
    assert found["Verified"].value == "DIFFERENT"


def test_what_is_not_known_is_left_out() -> None:
    assert [each.question for each in answers(bare())] == ["RAM", "Peak"]

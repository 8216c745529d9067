"""The terminal's summary of a build."""

from __future__ import annotations

import re
from dataclasses import replace

from sample_reports import bare, full

from tinycomp.proof.measure import room_record
from tinycomp.report.advice import MOST, Origin, next_steps
from tinycomp.report.layer_table import SHOWN, most_important
from tinycomp.report.record import LayerRecord, RoomRecord
from tinycomp.report.terminal import summary_rows
from tinycomp.target.boards import load_board


def test_flash_and_ram_are_shares_of_the_boards() -> None:
    rows = dict(summary_rows(full()))
    assert re.match(r"\d,\d+ bytes, 0\.\d % of 1,000,000, 99\d,\d+ bytes left: code", rows["Flash"])
    assert re.search(r" % of 200,000, 19\d,\d+ bytes left: arena ", rows["RAM"])


def test_this_computer_has_no_limits() -> None:
    assert room_record(load_board("host")) is None
    assert "%" not in dict(summary_rows(bare()))["RAM"]


def test_an_uno_has_what_its_core_leaves() -> None:
    memory = load_board("uno").memory
    room = room_record(load_board("uno"))
    assert room is not None
    assert (room.flash, room.ram) == (
        memory.flash - memory.reserved_flash,
        memory.ram - memory.reserved_ram,
    )


def test_other_layers_are_folded_and_none_is_lost() -> None:
    report = full()
    count = len(report.layers)
    assert count > SHOWN + 1
    table = most_important(report).table(80)
    assert table.row_count == SHOWN + 2
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns["layer"][-2:] == [f"{count - SHOWN} others", "between layers"]

    def total(heading: str) -> int:
        return sum(int(str(cell).replace(",", "")) for cell in columns[heading] if cell)

    assert report.latency is not None
    assert total("latency") == report.latency.value
    assert total("MACs") == sum(layer.macs for layer in report.layers)


def test_the_slowest_layer_is_shown() -> None:
    report = full()
    assert report.latency is not None
    *others, last = report.latency.layers
    slow = replace(report.latency, layers=(*others, replace(last, value=10**6)))
    table = most_important(replace(report, latency=slow)).table(80)
    assert last.name in list(table.columns[0].cells)


def test_a_short_model_is_not_folded() -> None:
    few = replace(bare(), layers=tuple(LayerRecord(f"l{n}", "relu", n) for n in range(SHOWN + 1)))
    assert most_important(few).table(80).row_count == SHOWN + 1


def test_steps_come_with_commands_of_this_build() -> None:
    report, origin = full(), Origin("my out", "my model.keras", "d.npz", flashable=True)
    steps = next_steps(report, origin)
    assert len(steps) <= MOST
    commands = [step.command for step in steps]
    assert "tinycomp run 'my out'" in commands
    assert len({*commands}) == len(commands)
    unverified = next_steps(replace(report, verify=()), origin)
    assert unverified[0].command == "tinycomp verify 'my out'"


def test_the_most_urgent_step_comes_first() -> None:
    report, origin = full(), Origin("out", "m.keras", "d.npz")
    assert report.accuracy is not None
    lossy = replace(report, accuracy=replace(report.accuracy, dense_int8=0.8, int8=0.8))
    first = next_steps(lossy, origin)[0]
    assert "int8 loses 13.5 points" in first.why
    assert first.command.endswith("--activations 16 -o out-a16")
    assert report.ram is not None
    tight = replace(report, room=RoomRecord(10**6, report.ram.total), accuracy=None)
    assert next_steps(tight, origin)[0].command.endswith("--optimize ram -o out-ram")
    assert "100 % of the RAM" in next_steps(tight, origin)[0].why
    blind = next_steps(replace(report, accuracy=None), Origin("out", "m.tflite", None))
    assert "--data samples.npz" in blind[0].command


def test_steps_with_the_data_read_them_in_the_same_way() -> None:
    report = replace(full(), compression={})
    origin = Origin(
        "out", "m.keras", "d.csv", reading=("--input-scale", "1/255", "--task", "binary")
    )
    steps = [step.command for step in next_steps(report, origin) if " --data " in step.command]
    assert steps
    assert all(" --data d.csv --input-scale 1/255 --task binary --board " in each for each in steps)


def test_without_a_compiler_the_board_says_which_is_missing() -> None:
    report = replace(full(), flash=None, latency=None)
    steps = next_steps(report, Origin("out", "m.keras", "d.npz"))
    assert steps[0].command == "tinycomp boards cortex-m4"
    assert "compiler is missing" in steps[0].why
    assert not any(step.command.startswith("tinycomp bench") for step in steps)


def test_4_bits_are_proposed_with_the_bytes_that_they_save() -> None:
    report = replace(full(), compression={}, board="host")
    layers = (LayerRecord("a", "dense", 1, weight_bytes=1000), LayerRecord("b", "add", 0))
    steps = next_steps(replace(report, layers=layers), Origin("out", "m.tflite", None))
    whys = [step.why for step in steps]
    assert "weights of 4 bits take about 484 bytes less of flash" in whys
    nothing = replace(report, layers=(LayerRecord("a", "dense", 1, weight_bytes=20),))
    assert not any("4 bits" in s.why for s in next_steps(nothing, Origin("out", "m.tflite", None)))

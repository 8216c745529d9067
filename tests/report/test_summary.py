"""The terminal's summary of a build."""

from __future__ import annotations

from dataclasses import replace

from sample_reports import bare, full

from tinycomp.proof.measure import room_record
from tinycomp.report.terminal import summary_rows
from tinycomp.target.boards import load_board


def test_flash_and_ram_are_shares_of_the_boards() -> None:
    rows = dict(summary_rows(full()))
    assert " % of 1,000,000: code 4,000, " in rows["flash"]
    assert " % of 200,000: arena " in rows["RAM"]


def test_this_computer_has_no_limits() -> None:
    assert room_record(load_board("host")) is None
    assert "%" not in dict(summary_rows(bare()))["RAM"]


def test_scratch_is_named_if_it_lies_beside_the_arena() -> None:
    report = bare()
    assert report.ram is not None
    assert "scratch" not in dict(summary_rows(report))["RAM"]
    beside = replace(report, ram=replace(report.ram, scratch=64))
    assert ", scratch 64," in dict(summary_rows(beside))["RAM"]


def test_an_uno_has_what_its_core_leaves() -> None:
    memory = load_board("uno").memory
    room = room_record(load_board("uno"))
    assert room is not None
    assert (room.flash, room.ram) == (
        memory.flash - memory.reserved_flash,
        memory.ram - memory.reserved_ram,
    )

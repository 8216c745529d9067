"""Boards on the desk, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import small_classifier

import tinycomp
from tinycomp.device import ports
from tinycomp.quantization.export import write_tflite
from tinycomp.target.boards import board_names


@pytest.fixture(scope="module")
def built() -> tinycomp.Build:
    return tinycomp.build(
        write_tflite(small_classifier()), board="uno", verify=False, bench=False, optimize="flash"
    )


def test_boards_are_listed_by_name() -> None:
    found = {board.name: board for board in tinycomp.list_boards()}
    assert [*found] == sorted(board_names())
    assert found["uno"].clock == 16_000_000


def test_ports_name_the_boards_that_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (ports.FoundPort("/dev/ttyACM0", "2341:0043"), ports.FoundPort("/dev/ttyS0"))
    monkeypatch.setattr(ports, "found_ports", lambda: found)
    assert tinycomp.list_ports() == {"/dev/ttyACM0": ("uno",), "/dev/ttyS0": ()}


def test_a_dry_run_shows_the_commands_and_flashes_nothing(built: tinycomp.Build) -> None:
    shown: list[str] = []
    assert tinycomp.flash(built, port="/dev/ttyACM0", dry_run=True, show=shown.append) is None
    assert any("/dev/ttyACM0" in command for command in shown)


@pytest.mark.parametrize("check", [tinycomp.flash, tinycomp.run])
def test_a_port_that_does_not_exist_is_refused(check: object, built: tinycomp.Build) -> None:
    assert callable(check)
    with pytest.raises(tinycomp.TinycompError, match="Port /dev/absent can't be opened"):
        check(built, port="/dev/absent")


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tinycomp.TinycompError, match=r"holds no report\.json"):
        tinycomp.run(tmp_path)

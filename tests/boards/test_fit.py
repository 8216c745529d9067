"""A model that does not fit is refused with numbers and correct advice."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tinycomp.common.errors import BoardError
from tinycomp.options.build import PlanOptions
from tinycomp.plan.storage import CODE
from tinycomp.proof.assembly import storage_target
from tinycomp.target.boards import list_boards, load_board
from tinycomp.target.fit import Footprint, check_fit, fits

UNO = load_board("uno")
ROOM = UNO.memory.flash - UNO.memory.reserved_flash
SMALL = Footprint(code=6000, constants=10_000, ram=1000, weights=9000, weight_bytes=9000)
LARGE = replace(SMALL, constants=36_000, weights=34_000, weight_bytes=34_000)


def refusal(need: Footprint, board: str = "uno") -> str:
    with pytest.raises(BoardError) as caught:
        check_fit(load_board(board), need)
    return str(caught.value)


def test_a_small_model_fits():
    check_fit(UNO, SMALL)


def test_exactly_the_limit_fits_and_one_byte_more_does_not():
    full = replace(SMALL, constants=ROOM - SMALL.code)
    assert fits(UNO, full)
    assert not fits(UNO, replace(full, constants=full.constants + 1))


def test_a_flash_refusal_states_need_limit_and_excess():
    over = 42_000 - ROOM
    assert f"Flash: needs 42,000 bytes, has {ROOM:,}, over by {over:,}." in refusal(LARGE)


def test_what_no_compiler_can_build_is_refused_without_code():
    message = refusal(replace(LARGE, code=None))
    over = LARGE.constants - ROOM
    assert (
        f"Flash, code not counted: needs 36,000 bytes, has {ROOM:,}, over by {over:,}." in message
    )
    found = re.search(r"--codebook-bits (\d)", message)
    assert found
    assert fits(UNO, replace(SMALL, constants=2000 + LARGE.weights * int(found[1]) // 8))


def test_advised_codebook_fits():
    found = re.search(r"--codebook-bits (\d)", refusal(LARGE))
    assert found
    packed = LARGE.weights * int(found[1]) // 8
    assert fits(UNO, replace(LARGE, constants=2000 + packed))


def test_advised_sparsity_fits():
    found = re.search(r"--sparsity (0\.\d\d)", refusal(LARGE))
    assert found
    stored = LARGE.weights / 8 + LARGE.weights * (1 - float(found[1]))
    assert fits(UNO, replace(LARGE, constants=2000 + int(stored)))


def test_weights_that_cannot_be_made_small_enough():
    message = refusal(replace(LARGE, constants=902_000, weights=900_000, weight_bytes=900_000))
    assert "too few for any codebook or pruning" in message


def test_a_codebook_in_use_is_not_advised():
    packed = replace(LARGE, constants=36_000, weights=68_000, weight_bytes=34_000)
    found = re.search(r"--codebook-bits (\d)", refusal(packed))
    assert found
    assert int(found[1]) < 4


def test_the_largest_consumer_is_named():
    need = replace(SMALL, ram_parts="RAM goes there.", flash_parts="Flash goes there.")
    assert "RAM goes there." in refusal(replace(need, ram=5000))
    assert "Flash goes there." not in refusal(replace(need, ram=5000))
    assert "Flash goes there." in refusal(replace(need, constants=36_000))
    assert "RAM goes there." not in refusal(replace(need, constants=36_000))


def test_a_ram_refusal_states_the_excess():
    message = refusal(replace(SMALL, ram=5000))
    assert "RAM: needs 5,000 bytes, has 1,664, over by 3,336." in message
    assert "Activations must shrink by 3,336 bytes" in message
    assert "--codebook-bits" not in message


def test_larger_boards_are_named():
    holding = sorted(
        (board.memory.ram, board.memory.flash, board.name)
        for board in list_boards()
        if not board.is_host and board.memory.ram - board.memory.reserved_ram >= 5000
    )
    assert len(holding) > 6
    shown = ", ".join(name for *_, name in holding[:6])
    text = refusal(replace(SMALL, ram=5000))
    more = len(holding) - 6
    assert f"Boards that it fits, the smallest first: {shown} and {more} more (tinycomp b" in text
    assert "It fits no other known board." in refusal(replace(SMALL, ram=1 << 30))


def test_near_program_memory_of_the_mega():
    message = refusal(replace(LARGE, constants=70_000), "mega")
    assert "Constants in near memory: needs 70,000 bytes, has 64,000" in message


def test_an_array_too_large_for_the_compiler():
    message = refusal(replace(SMALL, largest_array=40_000), "mega")
    assert "The largest array: needs 40,000 bytes, has 32,767" in message


def test_weights_are_limited_by_the_space_for_constants():
    """If constants can use only part of the flash, that limit applies."""
    for name in ("esp8266", "mega"):
        board = load_board(name)
        assert board.memory.constants is not None
        assert storage_target(board, PlanOptions()).flash == board.memory.constants + CODE
    assert storage_target(UNO, PlanOptions()).flash == UNO.memory.flash - UNO.memory.reserved_flash


def test_only_avr_has_near_memory():
    need = replace(LARGE, constants=30_000, code=1000)
    assert "Constants: needs 30,000 bytes, has 24,576" in refusal(need, "esp8266")

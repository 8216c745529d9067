"""Cycles are estimated from exactly the instructions that the board counts."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from small_models import small_classifier

from tinycomp import folder_checks, pipeline
from tinycomp.cli.main import main
from tinycomp.common import resources
from tinycomp.common.errors import BoardError, DeviceError, ToolError
from tinycomp.common.progress import Silent
from tinycomp.cycles.disassembly import Listing, disassemble
from tinycomp.cycles.estimate import count, estimate
from tinycomp.device import firmware_build
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.trace import PLUGIN, Block, Trace, trace
from tinycomp.options.build import Preparation
from tinycomp.quantization.export import write_tflite
from tinycomp.report.record import read_report
from tinycomp.target.boards import Board, load_board
from tinycomp.target.ports import link_flags
from tinycomp.target.toolchain import STRICT, Dialect, Options, compile_objects, link

M4 = load_board("cortex-m4")
LOOP_MODEL = Path(__file__).with_name("loop_model.c")
TURNS, CONSTANTS = 1000, 4096
AROUND = 40
"""The most instructions before, between and after the loops."""
SAMPLE = np.zeros(4, np.int8)

pytestmark = [
    pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed"),
    pytest.mark.skipif(
        firmware_build.missing(M4) is not None, reason=f"no cortex-m4: {firmware_build.missing(M4)}"
    ),
]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harness with a model that consists of two loops."""
    build = tmp_path_factory.mktemp("loop")
    harness = resources.firmware() / "harness"
    port = resources.port_folders(M4.port)
    sources = [path for path in sorted(harness.glob("*.c")) if path.name != "host_runner.c"]
    sources += [path for path in resources.port_files(M4.port) if path.suffix == ".c"]
    options = Options((harness, *port), STRICT)
    objects = compile_objects(M4.compiler, [*sources, LOOP_MODEL], build, options)
    return link(M4.compiler, objects, build / "loop.elf", link_flags(M4.port, port))


@pytest.fixture(scope="module")
def traced(loop: Path) -> Trace:
    return trace(M4, loop, SAMPLE)


def counted(traced: Trace, program: Path) -> tuple[dict[str, int], int]:
    listing = Listing.of(disassemble(M4.compiler, program))
    mix, cycles = count([(block, listing.block(block)) for block in traced.blocks])
    return mix, cycles.likely


def test_the_plugin_compiles_without_warnings(tmp_path: Path) -> None:
    source = resources.firmware() / "emulators" / f"{PLUGIN}.c"
    options = Options(flags=(*STRICT, "-fPIC"), dialect=Dialect(c=("-std=gnu11",)))
    compile_objects(load_board("host").compiler, [source], tmp_path, options)


def test_the_mix_is_that_of_the_loops(loop: Path, traced: Trace) -> None:
    mix, _ = counted(traced, loop)
    expected = {
        "loads": 2 * TURNS + CONSTANTS,
        "stores": TURNS,
        "multiplies": 2 * TURNS,
        "divides": TURNS,
        "taken_branches": TURNS - 1 + CONSTANTS - 1,
        "other_branches": 2,
        "others": TURNS + 2 * CONSTANTS,
    }
    assert mix.keys() == expected.keys()
    assert all(0 <= mix[kind] - number <= AROUND for kind, number in expected.items()), mix
    assert mix["multiplies"] == expected["multiplies"]
    assert mix["divides"] == expected["divides"]


def test_the_trace_has_as_many_instructions_as_the_board_counts(loop: Path, traced: Trace) -> None:
    mix, _ = counted(traced, loop)
    assert sum(mix.values()) == traced.instructions


def test_cycles_of_the_loops(loop: Path, traced: Trace) -> None:
    """By hand from Arm's table. One iteration of the first: loads 2 + 1, multiplies 1 + 1, store 1,
    division 7, subs 1, branch 1 + 2. Of the second: load 2, adds 1, cmp 1, branch 1 + 2.
    """
    _, cycles = counted(traced, loop)
    by_hand = TURNS * (3 + 2 + 1 + 7 + 1 + 3) + CONSTANTS * (2 + 1 + 1 + 3)
    assert 0 <= cycles - by_hand <= 2 * AROUND


def test_constants_are_read_line_by_line(traced: Trace) -> None:
    assert M4.silicon is not None
    lines = CONSTANTS // M4.silicon.flash_read
    assert 0 <= traced.constants - lines <= 4
    assert 0 <= traced.fetches <= AROUND


def test_a_small_cache_fetches_loops_repeatedly(loop: Path, traced: Trace) -> None:
    one_line = {"code_lines": 1, "prefetch": False}
    found = trace(_changed(**one_line), loop, SAMPLE)
    assert found.fetches > 3 * TURNS
    assert found.instructions == traced.instructions


def test_wait_states_are_added_for_each_read(loop: Path) -> None:
    none = estimate(_changed(flash_wait_states=0), loop, SAMPLE)
    five = estimate(_changed(flash_wait_states=5), loop, SAMPLE)
    assert none.flash_waits == 0
    assert five.flash_waits % 5 == 0
    assert 5 * CONSTANTS // 8 <= five.constant_waits <= five.flash_waits
    assert five.cycles - none.cycles == five.flash_waits
    assert five.least < five.cycles < five.most
    assert "Flash at 120 MHz: 5 wait states a read of 8 bytes" in five.assumptions[2]


def _changed(**settings: int | bool) -> Board:
    assert M4.silicon is not None
    return M4.model_copy(update={"silicon": M4.silicon.model_copy(update=settings)})


def test_counts_that_differ_are_refused(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(board: Board, program: Path, sample: np.ndarray) -> Trace:
        found = trace(board, program, sample)
        return Trace(found.blocks[1:], 0, 0, found.instructions + 10)

    monkeypatch.setattr("tinycomp.cycles.estimate.trace", lossy)
    with pytest.raises(DeviceError, match="the board's clock counted"):
        estimate(M4, loop, SAMPLE)


def test_a_block_of_another_program_is_refused(loop: Path) -> None:
    listing = Listing.of(disassemble(M4.compiler, loop))
    with pytest.raises(ToolError, match="no 3 instructions at 0xffffff0"):
        listing.block(Block(0xFFFFFF0, 3, 1, 0))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estimated")
    (folder / "small.tflite").write_bytes(write_tflite(small_classifier()))
    wanted = Preparation(folder / "small.tflite")
    options = pipeline.BuildOptions(wanted, M4.name, folder / "out", verify=False)
    pipeline.build(options, Silent())
    return folder / "out"


def test_a_generated_library_is_counted_to_the_instruction(build: Path, tmp_path: Path) -> None:
    firmware = FirmwareBuild(M4, build / "library", read_report(build).prefix, tmp_path)
    program = firmware.board_program()
    sample = np.random.default_rng(1).integers(-128, 128, 90).astype(np.int8)
    traced = trace(M4, program, sample)
    mix, cycles = counted(traced, program)
    assert sum(mix.values()) == traced.instructions
    assert mix["multiplies"] > 0
    assert cycles > traced.instructions


def test_bench_prints_the_estimate_and_adds_it_to_the_reports(
    build: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "Cycles on a real chip" not in (build / "report.html").read_text()
    assert read_report(build).latency.estimate is None
    monkeypatch.setattr(sys, "argv", ["tinycomp", "bench", str(build), "--estimate-cycles"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    words = " ".join(capfd.readouterr().out.split())
    found = re.search(r"Cycles ([\d,]+) cycles, [\d.]+ ms on STM32L4R5 at 120 MHz", words)
    assert found is not None
    assert "Computed, not measured on a chip" in words
    latency = json.loads((build / "report.json").read_text())["latency"]
    record = latency["estimate"]
    assert record["core"] == "cortex-m4"
    assert record["cycles"] == int(found[1].replace(",", ""))
    assert sum(record["mix"].values()) == record["instructions"]
    assert record["instructions"] == pytest.approx(latency["value"], abs=4)
    assert record["assumptions"]
    assert "Cycles on a real chip: an estimate" in (build / "report.html").read_text()


def test_builds_that_cannot_be_estimated(build: Path) -> None:
    with pytest.raises(BoardError, match=r"cortex-m7 has no table \[silicon\]"):
        folder_checks.bench(build, "cortex-m7", None, Silent(), estimate_cycles=True)
    with pytest.raises(BoardError, match="measured, not estimated"):
        folder_checks.bench(build, None, "/dev/null", Silent(), estimate_cycles=True)

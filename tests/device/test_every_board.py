"""The same test vectors on every emulated board: protocol, clock, and a small model."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_firmware import skip_without
from numpy.typing import NDArray
from small_models import HASH, Layers, small_classifier

from tinycomp import pipeline
from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Silent
from tinycomp.device.execution import DeviceExecution, emulated
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.protocol import Device
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import emit_library, harness_model
from tinycomp.emit.project import Content, lay_out, project_paths
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.options.build import PlanOptions, Preparation
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.target import boards
from tinycomp.target.boards import Board

EMULATED = [board for board in boards.list_boards() if board.emulator]
GRAPH = small_classifier()
INPUTS = np.random.default_rng(5).integers(-128, 128, (3, 6, 5, 3)).astype(np.int8)
TURN = {"instructions": 2, "cycles": 4}
"""Instructions per iteration of the fake model's loop."""
TIMER_INTERRUPT, TIMER_PERIOD = 60, 65536
"""Cycles that the AVR port's timer interrupt takes, and its period."""


@pytest.fixture(scope="module", params=EMULATED, ids=lambda board: board.name)
def board(request: pytest.FixtureRequest) -> Board:
    found: Board = request.param
    skip_without(found)
    return found


@pytest.fixture(scope="module")
def device(board: Board, build: Callable[[str], Path]) -> Iterator[Device]:
    """The fake model on the board."""
    with emulated(board, build(board.name)) as found:
        yield found


def vector(first: int) -> NDArray[np.int8]:
    values = np.arange(96, dtype=np.uint8) * np.uint8(7)
    values[0] = first
    return values.view(np.int8)


def tensors_of(sample: NDArray[np.int8]) -> list[NDArray[np.uint8]]:
    """The tensors that the fake model computes (fake_model.c)."""
    flipped = sample.view(np.uint8) ^ 0x55
    rising = flipped + np.uint8(1)
    backwards = rising[::-1].copy()
    return [sample.view(np.uint8), flipped, rising, backwards,
            backwards.reshape(4, 24).sum(axis=1, dtype=np.uint8)]  # fmt: skip


def test_every_tensor(device: Device) -> None:
    sample = vector(200)
    device.load(sample)
    device.run()
    expected = tensors_of(sample)
    for index, (checksum, wanted) in enumerate(zip(device.checksums(), expected, strict=True)):
        assert np.array_equal(device.tensor(index).view(np.uint8), wanted)
        assert checksum.crc in (None, zlib.crc32(wanted.tobytes()))
    assert np.array_equal(device.output().view(np.uint8), expected[-1])


def test_commands_of_mlperf_tiny(device: Device) -> None:
    data = bytes(range(96))
    device.db_load(data)
    assert device.db_print() == data
    found = device.infer(3, 1)
    values = tensors_of(np.frombuffer(data, np.int8))[-1].view(np.int8)
    assert found.results == tuple(round((int(v) + 128) / 256, 3) for v in values)
    assert found.microseconds > 0
    assert device.profile()[1] == "fake"


def test_a_damaged_command_does_not_stop_it(device: Device) -> None:
    device.link.write(b"tc load 9\x00\xff%" + b"x" * 200 + b"%")
    device.load(vector(1))
    assert device.name() == "tinycomp"


def test_the_stack_is_measured(device: Device) -> None:
    device.load(vector(1))
    depth = device.stack()
    assert depth is not None
    assert 8 < depth < 300


def test_a_loop_of_known_length(device: Device, board: Board) -> None:
    assert board.emulator is not None
    assert device.identity.unit == board.emulator.tick_unit
    counts = []
    for first in (0, 1, 2, 250, 0, 77):
        device.load(vector(first))
        counts.append((first, device.run()))
    base = counts[0][1]
    for first, count in counts:
        exact = base + TURN[device.identity.unit] * 100 * first
        slack = 0
        if device.identity.unit == "cycles":
            slack = TIMER_INTERRUPT * (1 + exact // TIMER_PERIOD)
        assert abs(count - exact) <= slack, (first, count, exact)


@pytest.fixture(scope="module")
def expected() -> dict[str, Array]:
    """Every tensor of the small model, computed by LiteRT."""
    return oracle.run(write_tflite(GRAPH), INPUTS)


def test_a_small_model(board: Board, expected: dict[str, Array], tmp_path: Path) -> None:
    planned = plan(lower(GRAPH, Storage(copied=board.memory.harvard)))
    library = emit_library(planned, prefix="small", model_hash=HASH)
    model = harness_model("small")
    write_folder(
        tmp_path / "project",
        lay_out(board, Content("small", "small", HASH, library, model, INPUTS[0])),
    )
    place = tmp_path / "project" / project_paths(board, "small").library
    program = FirmwareBuild(board, place, "small", tmp_path / "build").board_program()
    with emulated(board, program) as device:
        assert DeviceExecution(device).first_difference(GRAPH, INPUTS, expected) is None
        assert device.run() > 1000
        assert sum(device.node_ticks()) > 1000


def test_a_complete_build_of_a_sketch(tmp_path: Path) -> None:
    skip_without(boards.load_board("uno"))
    model = tmp_path / "small.tflite"
    model.write_bytes(write_tflite(GRAPH))
    report = pipeline.build(
        pipeline.BuildOptions(Preparation(model), "uno", tmp_path / "out", samples=2), Silent()
    )
    assert [record.equal for record in report.verify] == [True]
    assert report.verify[0].executions[-1] == "device"
    assert report.latency is not None
    assert report.latency.unit == "cycles"


def test_a_sketch_without_ram_for_a_second_input(tmp_path: Path) -> None:
    board = boards.load_board("uno")
    skip_without(board)
    layers = Layers((28, 28, 1), 0)
    image = layers.conv("input", 4, Window((5, 5), (2, 2)), Activation.RELU)
    image = layers.conv(image, 8, Window((3, 3), (2, 2)), Activation.RELU)
    layers.softmax(layers.dense(layers.reshape(image, (200,)), 5))
    model = tmp_path / "image.tflite"
    model.write_bytes(write_tflite(layers.graph()))
    options = pipeline.BuildOptions(
        Preparation(model), "uno", tmp_path / "out", samples=2, planning=PlanOptions("ram")
    )
    report = pipeline.build(options, Silent())
    assert report.verify[0].executions[-1] == "device", report.ram
    assert report.verify[0].equal
    assert report.latency is not None
    assert report.latency.unit == "cycles"
    assert report.ram.arena + 784 + 784 > board.memory.ram  # there was no room for both


def test_renamed_rows_take_no_time(tmp_path: Path) -> None:
    """A streamed reshape copies nothing, so hooks of its 600 rows must not count as its time."""
    skip_without(boards.load_board("cortex-m4"))
    layers = Layers((600, 1))
    signal = layers.reshape("input", (600, 1, 1))
    signal = layers.conv(signal, 4, Window((16, 1), (8, 1)), Activation.RELU)
    layers.dense(layers.mean(layers.conv(signal, 8, Window((5, 1), (2, 1)))), 3)
    model = tmp_path / "signal.tflite"
    model.write_bytes(write_tflite(layers.graph()))
    options = pipeline.BuildOptions(Preparation(model), "cortex-m4", tmp_path / "out", samples=1)
    latency = pipeline.build(options, Silent()).latency
    assert latency is not None
    times = {layer.op: layer.value for layer in latency.layers}
    assert times["reshape"] < 600 < times["conv_2d"]
    assert abs(latency.between) < latency.value / 20


def test_a_library_outside_of_a_sketch(tmp_path: Path) -> None:
    firmware = FirmwareBuild(
        boards.load_board("uno"), tmp_path / "library", "small", tmp_path / "build"
    )
    with pytest.raises(BoardError, match=r"holds no sketch for uno\. .*--board uno\."):
        firmware.board_program()

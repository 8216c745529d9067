"""The Python client with a real harness, on this computer and on the emulated board."""

from __future__ import annotations

import time
import zlib

import numpy as np
import pytest
from fake_firmware import HASH, Build, started

from tinycomp.common.errors import DeviceError
from tinycomp.device.link import Link
from tinycomp.device.protocol import Checksum, Device

INPUT = np.random.default_rng(1).integers(-128, 128, 96).astype(np.int8)


def backwards() -> np.ndarray:
    return ((INPUT.view(np.uint8) ^ 0x55) + np.uint8(1))[::-1].copy().view(np.int8)


def test_identity(device: Device, board: str) -> None:
    identity = device.identity
    assert (identity.model, identity.hash, identity.generator) == ("fake", HASH, "0.0.1")
    assert (identity.input, identity.output, identity.arena, identity.scratch) == (96, 4, 288, 0)
    assert (identity.nodes, identity.tensors) == (4, 5)
    assert identity.unit == ("microseconds" if board == "host" else "instructions")
    device.expect_model(HASH)
    with pytest.raises(DeviceError, match=r"runs model 'fake' with sha256 0123456789abcdef.*Build"):
        device.expect_model("f" * 64)


def test_tensors(device: Device) -> None:
    device.load(INPUT)
    assert device.run() >= 0
    output = backwards().reshape(4, 24).sum(axis=1).astype(np.int8)
    np.testing.assert_array_equal(device.output(), output)
    np.testing.assert_array_equal(device.tensor(0), INPUT)
    np.testing.assert_array_equal(device.tensor(3), backwards())
    checksums = device.checksums()
    assert checksums[0] == Checksum(96, zlib.crc32(INPUT.tobytes()))
    assert checksums[3] == Checksum(None, None)
    assert checksums[4] == Checksum(4, zlib.crc32(output.tobytes()))
    with pytest.raises(DeviceError, match=r"refused 'tc tensor 5'.*a number below 5"):
        device.tensor(5)


@pytest.mark.parametrize("board", ["host"], indirect=True)
def test_an_input_that_is_used_up_is_loaded_again(board: str, build: Build) -> None:
    with started(board, build(board, "INT8", "OUTPUT", "0")) as port, Link(port) as link:
        device = Device(link)
        assert not device.identity.keeps_input
        device.load(INPUT)
        device.run()
        output = device.output()
        first = device.checksums()
        assert len(device.node_ticks()) == 4
        np.testing.assert_array_equal(device.tensor(3), backwards())
        assert device.checksums() == first
        assert first[4].crc == zlib.crc32(output.tobytes())
        with pytest.raises(DeviceError, match="RAM is too small to keep the input"):
            device.infer(2, 0)


def test_mlperf_layer(device: Device) -> None:
    assert device.name() == "tinycomp"
    assert device.profile() == ("ULPMark for tinyML Firmware V0.0.1", "fake")
    before = device.timestamp()
    device.db_load(INPUT.tobytes())
    assert device.db_print() == INPUT.tobytes()
    inference = device.infer(5, 1)
    assert inference.results == device.results()
    assert len(inference.results) == 4
    assert before <= inference.start <= inference.end
    assert inference.runs == 5


def test_a_wrong_size_is_refused(device: Device) -> None:
    with pytest.raises(DeviceError, match="the input's size in bytes is 96"):
        device.load(INPUT[:95])
    with pytest.raises(DeviceError, match="No complete input"):
        device.run()


@pytest.mark.parametrize("board", ["cortex-m4"], indirect=True)
def test_instructions_are_counted_one_by_one(device: Device) -> None:
    device.load(INPUT)
    runs = {device.run() for _ in range(5)}
    assert len(runs) == 1
    ticks = device.node_ticks()
    assert ticks == device.node_ticks()
    assert min(ticks) > 200
    assert sum(ticks) < runs.pop()
    depth = device.stack()
    assert depth is not None
    assert 32 <= depth <= 512


@pytest.mark.parametrize("board", ["host"], indirect=True)
def test_the_stack_of_a_process_is_unknown(device: Device) -> None:
    device.load(INPUT)
    assert device.stack() is None


def test_a_new_host_can_continue_after_a_crash(port: str) -> None:
    for leftover in (
        b"",
        b"db load 96%db 01",
        b"tc load 96 0%tc 00",
        b"tc info%tc info%",
        b"x" * 99,
    ):
        with Link(port) as link:
            link.write(leftover)
        with Link(port) as link:
            device = Device(link)
            device.load(INPUT)
            assert device.checksums()[0].crc == zlib.crc32(INPUT.tobytes())


class Runner:
    """Sends and receives exactly what the public runner of MLPerf Tiny does."""

    def __init__(self, port: str) -> None:
        self.link = Link(port)

    def command(self, text: str, seconds: float = 5.0) -> list[str]:
        self.link.write(f"{text}%".encode())
        lines: list[str] = []
        while not lines or "m-ready" not in lines[-1]:
            line = self.link.read_line(time.monotonic() + seconds)
            assert line is not None, (text, lines)
            lines.append(line)
        return lines


def test_the_runner_of_mlperf(port: str) -> None:
    with Link(port) as link:  # the greeting is lost where it came before the port was open
        deadline = time.monotonic() + 2
        while link.read_line(deadline) not in ("m-ready", None):
            pass
    for _ in range(2):  # it asks for the name, closes the port, and begins
        runner = Runner(port)
        assert runner.command("name") == ["m-name-dut-[tinycomp]", "m-ready"]
        assert "m-model-[fake]" in runner.command("profile")
        runner.link.close()
    runner = Runner(port)
    data = INPUT.tobytes()
    runner.command(f"db load {len(data)}")
    for at in range(0, len(data), 31):
        last = runner.command(f"db {data[at : at + 31].hex()}")
    assert last == ["m-load-done", "m-ready"]
    lines = runner.command("infer 4 2", 30)
    laps = [int(line[9:]) for line in lines if line.startswith("m-lap-us-")]
    assert len(laps) == 2
    assert laps[0] <= laps[1]
    assert any(line.startswith("m-results-[") for line in lines)
    runner.link.close()

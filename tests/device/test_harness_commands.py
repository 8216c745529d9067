"""The protocol on the device, command by command, compared with literal replies.

The fake model's input is 96 bytes; its outputs are sums of 24 values each of (input xor 0x55) + 1,
last to first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from fake_firmware import HASH, hex_commands, reply

from tinycomp.device.protocol import PROTOCOL

Talks = Callable[..., str]

INPUT = bytes((7 * i) % 256 for i in range(96))
MORE = reply()
LOADED = reply("m-load-done")


def tensors_of(data: bytes) -> list[bytes]:
    """All tensors of the fake model."""
    flipped = np.frombuffer(data, np.uint8) ^ 0x55
    rising = flipped + np.uint8(1)
    backwards = rising[::-1].copy()
    output = backwards.reshape(4, 24).sum(axis=1, dtype=np.uint8)
    return [data, *(array.tobytes() for array in (flipped, rising, backwards, output))]


def results_of(data: bytes) -> str:
    values = np.frombuffer(tensors_of(data)[4], np.int8).astype(int)
    return ",".join(f"{(value + 128) / 256:.3f}" for value in values)


def db(data: bytes) -> bytes:
    return f"db load {len(data)}%".encode() + hex_commands(data, "db", 31)


def tc(data: bytes) -> bytes:
    return f"tc load {len(data)} {zlib.crc32(data):08x}%".encode() + hex_commands(data, "tc", 38)


EXPECTING = reply("m-[Expecting 96 bytes]")
DB_DONE = EXPECTING + 3 * MORE + LOADED
TC_DONE = reply("m-tc-expecting-[96]") + 2 * MORE + reply(f"m-tc-loaded-[{zlib.crc32(INPUT):08x}]")


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (b"name%", reply("m-name-dut-[tinycomp]")),
        (
            b"profile%",
            reply("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[fake]"),
        ),
        (b"timestamp%", reply("m-lap-us-T")),
        (b"foo%", reply("e-[Unknown command: foo]")),
        (b"nam%e%", reply("e-[Unknown command: nam]") + reply("e-[Unknown command: e]")),
        (b"NAME%", reply("e-[Unknown command: NAME]")),
        (b"%", MORE),
        (b"   %", MORE),
        (b"  name  %", reply("m-name-dut-[tinycomp]")),
        (b"na\r\nme%\r\n%", reply("m-name-dut-[tinycomp]") + MORE),
        (b"na\x00me%", reply("e-[Command with a byte that is not printable ASCII]")),
        (b"name\xff%", reply("e-[Command with a byte that is not printable ASCII]")),
        (b"a" * 80 + b"%", reply(f"e-[Unknown command: {'a' * 80}]")),
        (b"name" + b" " * 77 + b"%", reply("e-[Command longer than 80 characters]")),
        (b"x" * 5000 + b"%name%", reply("e-[Command longer than 80 characters]")
         + reply("m-name-dut-[tinycomp]")),
        (b"a b c d e%", reply("e-[Command of more than 4 words]")),
        (b"db%", reply("e-[Command 'db' requires a subcommand]")),
        (b"db load%", reply("e-[Command 'db load' requires the # of bytes]")),
        (b"db load 0%", reply("e-[Command 'db load' must be >0 bytes]")),
        (b"db load -1%", reply("e-[Command 'db load' must be >0 bytes]")),
        (b"db load 4x%", reply("e-[Command 'db load' must be >0 bytes]")),
        (b"db load 97%", reply("e-[Command 'db load' must be at most 96 bytes]")),
        (b"db load 99999999999999%", reply("e-[Command 'db load' must be at most 96 bytes]")),
        (b"db load 96%", EXPECTING),
        (b"db load 96 1%", reply("e-[Command 'db' with too many words]")),
        (b"db 00%", reply("e-[Bytes before 'db load']")),
        (b"db print%", MORE),
        (b"infer 0%", reply("e-[Inference iterations must be >0]")),
        (b"infer x%", reply("e-[Inference iterations must be >0]")),
        (b"infer 1 x%", reply("e-[Inference warmup must be >=0]")),
        (b"infer 1 1 1%", reply("e-[Command 'infer' with too many words]")),
        (b"infer 4294967295%", reply("e-[At most 1000000 inferences]")),
        (b"infer%", reply("e-[No complete input: load 96 bytes with db, or 96 with tc]")),
        (b"tc run%", reply("e-[No complete input: load 96 bytes with db, or 96 with tc]")),
        (b"tc sync abc%", reply("m-tc-sync-[abc]")),
        (b"tc%", reply("e-[Unknown 'tc' command, or a wrong number of words]")),
        (b"tc run run%", reply("e-[Unknown 'tc' command, or a wrong number of words]")),
        (b"tc what%", reply("e-[Bytes before 'tc load', or an unknown 'tc' command]")),
        (b"tc load 96 xyz%",
         reply("e-[Command 'tc load' requires the # of bytes and their CRC-32]")),
        (b"tc load 95 0%", reply("e-[Command 'tc load': the input's size in bytes is 96]")),
        (b"tc tensor 5%", reply("e-[Command 'tc tensor' requires a number below 5]")),
        (b"tc tensor -1%", reply("e-[Command 'tc tensor' requires a number below 5]")),
    ],
)  # fmt: skip
def test_reply(talks: Talks, commands: bytes, expected: str) -> None:
    assert talks(commands) == expected


def test_input_by_db_is_printed_and_inferred(talks: Talks) -> None:
    printed = [f"m-buffer-{INPUT[at : at + 8].hex('-')}" for at in range(0, 96, 8)]
    inferred = (
        *("m-warmup-start-2", "m-warmup-done", "m-infer-start-3", "m-lap-us-T", "m-lap-us-T"),
        *("m-infer-done", f"m-results-[{results_of(INPUT)}]"),
    )
    expected = DB_DONE + reply(*printed) + reply(*inferred) + reply(inferred[-1])
    assert talks(db(INPUT) + b"db print%infer 3 2%results%") == expected


def test_ten_runs_warm_up_by_default(talks: Talks) -> None:
    text = talks(db(INPUT) + b"infer%")
    assert "m-warmup-start-10\r\nm-warmup-done\r\nm-infer-start-1\r\n" in text


def test_hex_digits_of_either_case_and_an_incomplete_line(talks: Talks) -> None:
    expected = reply("m-[Expecting 3 bytes]") + LOADED + reply("m-buffer-ab-cd-ef")
    assert talks(b"db load 3%db ABcdEF%db print%") == expected


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b"db 123%", "e-[Odd number of hex digits]"),
        (b"db 11gg%", "e-[Invalid hex digit]"),
        (b"db 11223344%", "e-[More bytes than 'db load' announced]"),
        (b"db 11 22%", "e-[Command 'db' with too many words]"),
        (b"db 11db 22%", "e-[Command 'db' with too many words]"),
        (b"db 1\x0122%", "e-[Command with a byte that is not printable ASCII]"),
    ],
)
def test_a_bad_db_command_writes_nothing(talks: Talks, bad: bytes, error: str) -> None:
    expected = reply("m-[Expecting 3 bytes]") + reply(error) + LOADED + reply("m-buffer-01-02-03")
    assert talks(b"db load 3%" + bad + b"db 010203%db print%") == expected


def test_extra_bytes_are_refused(talks: Talks) -> None:
    text = talks(b"db load 1%db 01%db 02%db print%")
    assert text.endswith(reply("e-[Bytes before 'db load']") + reply("m-buffer-01"))


def test_a_load_can_be_restarted(talks: Talks) -> None:
    text = talks(b"db load 96%db 0102%db 03%" + db(INPUT) + b"db print%")
    assert text.endswith(f"m-buffer-{INPUT[88:].hex('-')}\r\nm-ready\r\n")
    text = talks(db(INPUT) + b"db load 4%db 01020304%infer 1 0%")
    assert text.endswith(reply("e-[No complete input: load 96 bytes with db, or 96 with tc]"))


def test_images_arrive_as_unsigned_bytes(talks: Talks) -> None:
    signed = bytes(byte ^ 0x80 for byte in INPUT)
    text = talks(db(INPUT) + b"db print%infer 2 1%tc tensor 0%", "UINT8")
    assert f"m-buffer-{INPUT[:8].hex('-')}\r\n" in text
    assert f"m-results-[{results_of(signed)}]" in text
    assert f"m-tc-data-[0,{signed[:64].hex()}]" in text
    text = talks(tc(signed) + b"infer 1 0%", "UINT8")
    assert f"m-results-[{results_of(signed)}]" in text


def test_floats_are_quantized_on_the_device(talks: Talks) -> None:
    values = [-1e30, 1e30, -0.0, 0.26, -64.2, float("inf"), *(0.37 * i - 17 for i in range(90))]
    real = np.float32(values) * 2 + 3
    rounded = np.trunc(real + np.copysign(np.float32(0.5), real))
    quantized = np.clip(rounded, -128, 127).astype(np.int8).tobytes()
    floats = struct.pack("<96f", *values)
    text = talks(db(floats) + b"db print%infer 1 0%tc tensor 0%", "FLOAT32")
    assert text.startswith(reply("m-[Expecting 384 bytes]"))
    assert f"m-buffer-{floats[:8].hex('-')}\r\n" in text
    assert f"m-tc-data-[0,{quantized[:64].hex()}]\r\nm-tc-data-[64,{quantized[64:].hex()}]" in text
    assert f"m-results-[{results_of(quantized)}]" in text


def test_the_error_of_a_reconstruction(talks: Talks) -> None:
    """Summed in float32 like the reference firmware of ad01, using the inputs as received, not as
    quantized.
    """
    values = np.float32([0.37 * i - 17 for i in range(96)])
    real = values * 2 + 3
    quantized = np.trunc(real + np.copysign(np.float32(0.5), real)).astype(np.int8).tobytes()
    text = talks(db(values.tobytes()) + b"infer 1 0%results%", "FLOAT32", "SQUARED_ERROR")
    expected = f"m-results-[{squared_error(quantized, values):.3f}]"
    assert text.endswith(f"m-infer-done\r\n{expected}\r\nm-ready\r\n" + reply(expected))


def test_the_error_of_an_int8_input(talks: Talks) -> None:
    text = talks(tc(INPUT) + b"infer 1 0%", "FLOAT32", "SQUARED_ERROR")
    real = (np.frombuffer(INPUT, np.int8).astype(np.float32) - 3) * np.float32(0.5)
    assert text.endswith(reply(f"m-results-[{squared_error(INPUT, real):.3f}]").lstrip())


def squared_error(data: bytes, real: np.ndarray) -> np.float32:
    """The mean squared error of the fake model's four outputs from the first four inputs."""
    outputs = np.frombuffer(tensors_of(data)[4], np.int8)
    total = np.float32(0)
    for output, wanted in zip(outputs, real, strict=False):
        total += ((np.float32(output) + 128) / 256 - wanted) ** 2
    return total / np.float32(4)


def test_identity(talks: Talks) -> None:
    lines = talks(b"tc info%").splitlines()
    assert lines[:4] == [
        f"m-tc-protocol-[{PROTOCOL}]", "m-tc-model-[fake]", f"m-tc-hash-[{HASH}]",
        "m-tc-generator-[0.0.1]",
    ]  # fmt: skip
    assert lines[4] in ("m-tc-unit-[instructions]", "m-tc-unit-[microseconds]")
    assert "m-tc-input-[96]" in lines
    assert lines[-1] == "m-ready"


def test_all_tensors_of_an_inference(talks: Talks) -> None:
    tensors = tensors_of(INPUT)
    checksums = [
        f"m-tc-checksum-[{i},{len(data)},{zlib.crc32(data):08x}]" for i, data in enumerate(tensors)
    ]
    checksums[3] = "m-tc-checksum-[3,unordered]"
    parts = [tensors[3][48:], tensors[3][:48]]
    backwards = (
        f"m-tc-data-[48,{parts[0].hex()}]",
        f"m-tc-data-[0,{parts[1].hex()}]",
        f"m-tc-sent-[96,{zlib.crc32(b''.join(parts)):08x}]",
    )
    output = (
        f"m-tc-data-[0,{tensors[4].hex()}]",
        f"m-tc-sent-[4,{zlib.crc32(tensors[4]):08x}]",
    )
    expected = TC_DONE + reply(*checksums) + reply(*backwards) + 2 * reply(*output)
    assert talks(tc(INPUT) + b"tc checksums%tc tensor 3%tc tensor 4%tc output%") == expected


@pytest.mark.parametrize("command", [b"tc run%", b"tc checksums%", b"tc nodes%", b"infer 1 0%"])
def test_an_input_that_an_inference_uses_up(talks: Talks, command: bytes) -> None:
    missing = reply("e-[No complete input: load 96 bytes with db, or 96 with tc]")
    used = ("INT8", "OUTPUT", "0")
    text = talks(b"tc info%" + tc(INPUT) + command + b"tc run%", *used)
    assert "m-tc-input-used-up\r\nm-ready" in text
    assert text.count("\ne-[") == 1
    assert text.endswith(missing)
    again = talks(tc(INPUT) + b"tc run%tc output%" + tc(INPUT) + b"tc tensor 4%", *used)
    output = f"m-tc-data-[0,{tensors_of(INPUT)[4].hex()}]"
    assert again.count(output) == 2
    refused = talks(tc(INPUT) + b"infer 2 0%infer 1%infer 1 0%", *used)
    error = "e-[RAM is too small to keep the input: load it for each 'infer 1 0']"
    assert refused.count(error) == 2
    assert refused.endswith(reply("m-infer-done", f"m-results-[{results_of(INPUT)}]"))


def test_a_damaged_tensor_is_refused(talks: Talks) -> None:
    damaged = tc(INPUT).replace(b"tc 00", b"tc 01", 1)
    text = talks(damaged + b"tc run%")
    crc = zlib.crc32(b"\x01" + INPUT[1:])
    assert reply(f"e-[CRC mismatch, the input's is {crc:08x}]") in text
    assert text.endswith(reply("e-[No complete input: load 96 bytes with db, or 96 with tc]"))


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b"tc 0%", "e-[Odd number of hex digits]"),
        (b"tc 0z%", "e-[Invalid hex digit, or an unknown 'tc' command]"),
        (b"db 00%", "e-[Bytes before 'db load']"),
        (b"name%", "m-name-dut-[tinycomp]"),
    ],
)
def test_commands_during_a_load_do_not_disturb_it(talks: Talks, bad: bytes, error: str) -> None:
    first, rest = tc(INPUT).split(b"%", 1)
    text = talks(first + b"%" + bad + rest)
    assert reply(error) in text
    assert text.endswith(reply(f"m-tc-loaded-[{zlib.crc32(INPUT):08x}]"))


def test_more_bytes_than_announced(talks: Talks) -> None:
    text = talks(tc(INPUT).rsplit(b"tc", 1)[0] + b"tc " + b"00" * 38 + b"%")
    assert text.endswith(reply("e-[More bytes than 'tc load' announced]"))

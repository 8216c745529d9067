"""Fuzzes the harness on this computer, built with sanitizers, with random commands.

`python tests/device/harness_fuzz.py --count 1000 --seed 1` runs that many streams of about two
thousand commands each. Failures are minimized and printed as a script, and the exit code is 1.
`fuzz` does the same for other programs.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

FORMATS = ("INT8", "UINT8", "FLOAT32")
SIZE = 96
"""Size of the fake model's input, in values."""
SECONDS = 120
"""Time limit for a stream in seconds; it takes one."""
END = b"%tc sync end%"

VERBS = (
    *("db", "tc", "infer", "results", "name", "profile", "timestamp", "help", "x", "", "TC", "t"),
    *("tc sync", "tc info", "tc load", "tc run", "tc output", "tc tensor", "tc checksums"),
    *("tc nodes", "tc stack", "db load", "db print"),
)
NUMBERS = ("0", "1", "2", "4", "5", "95", "96", "97", "384", "385", "-1", "+1", "1e2", "0x10",
           "1000001", "4294967295", "4294967296", "99999999999999999999")  # fmt: skip
NOISE = (
    *(b"\x00", b"\x7f", b"\x80", b"\xff", b"\r", b"\n", b"\t", b" ", b"  ", b"%", b"%%", b"a" * 81),
)


def stream(rng: random.Random, commands: int = 2000) -> bytes:
    """Mostly near-valid commands: complete loads, words of the grammar, damaged bytes."""
    parts: list[bytes] = []
    while len(parts) < commands:
        kind = rng.random()
        if kind < 0.1:
            parts += _load(rng)
        elif kind < 0.9:
            parts.append(_command(rng))
        else:
            parts.append(rng.randbytes(rng.randrange(100)))
    return b"".join(_damaged(rng, part) + b"%" for part in parts)


def _load(rng: random.Random) -> list[bytes]:
    """A load as sent by a host, of the right size or nearly, and an inference."""
    size = rng.choice([SIZE, SIZE, 4 * SIZE, SIZE - 1, SIZE + 1, 1])
    verb, step = rng.choice([("db", 31), ("tc", 38)])
    crc = f" {rng.getrandbits(32):08x}" if verb == "tc" else ""
    data = rng.randbytes(size)
    parts = [f"{verb} {data[at : at + step].hex()}" for at in range(0, size, step)]
    after = rng.choice(["tc run", "infer 2 1", "tc checksums", "tc nodes", "tc tensor 3"])
    return [text.encode() for text in (f"{verb} load {size}{crc}", *parts, after)]


def _command(rng: random.Random) -> bytes:
    words = [rng.choice(VERBS)]
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5])):
        digits = "".join(rng.choices("0123456789abcdefABCDEFg", k=rng.randrange(80)))
        words.append(rng.choice([rng.choice(NUMBERS), digits, rng.choice(VERBS)]))
    return b" ".join(word.encode() for word in words)


def _damaged(rng: random.Random, part: bytes) -> bytes:
    if rng.random() < 0.8:
        return part
    at = rng.randrange(len(part) + 1)
    new = rng.choice([*NOISE, rng.randbytes(1), b""])
    return part[:at] + new + part[at + rng.randrange(2) :]


def problem(program: Path, data: bytes) -> str | None:
    """The problem with the program's replies to a stream, or None.

    It must exit with 0, without sanitizer reports, reply to each command once, and still work.
    """
    data += END
    try:
        done = subprocess.run(
            [program], input=data, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} s"
    if done.returncode or done.stderr:
        return f"exit code {done.returncode}: {done.stderr.decode(errors='replace')[:2000]}"
    if not done.stdout.endswith(b"m-tc-sync-[end]\r\nm-ready\r\n"):
        return f"no answer at the end, but {done.stdout[-100:]!r}"
    if not done.stdout.isascii():
        return "a reply that is not ASCII"
    found, expected = done.stdout.split(b"\r\n").count(b"m-ready"), data.count(b"%") + 1
    return None if found == expected else f"{found} replies to {expected - 1} commands and a start"


def minimized(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """A part of the data that still fails: first removes whole commands, then bytes."""
    for pieces in (lambda d: d.split(b"%"), lambda d: [d[i : i + 1] for i in range(len(d))]):
        joint = b"%" if pieces(b"a%b") == [b"a", b"b"] else b""
        parts, size = pieces(data), 1 << 20
        while size := min(size // 2, len(parts)):
            at = 0
            while at < len(parts):
                fewer = parts[:at] + parts[at + size :]
                if fails(joint.join(fewer)):
                    parts = fewer
                else:
                    at += size
        data = joint.join(parts)
    return data


def script(program: str, data: bytes, text: str) -> str:
    """A failure as a script that reproduces it."""
    return (
        f"# {text.splitlines()[0]}\nimport subprocess\n\ndata = {data!r}\n"
        f"subprocess.run([{program!r}], input=data + {END!r}, check=True)\n"
    )


def fuzz(programs: Iterable[Path], count: int, seed: int) -> list[str]:
    """Run `count` streams through each program; returns the failures as scripts.

    Args:
        programs: the harness built for this computer, with the sanitizers.
        count: number of streams for each program.
        seed: seed of the first stream; the following ones use consecutive seeds.
    """
    failures = []
    for program in programs:
        for number in range(seed, seed + count):
            data = stream(random.Random(number))
            if text := problem(program, data):
                small = minimized(data, lambda part: problem(program, part) is not None)  # noqa: B023
                failures.append(script(program.name, small, f"seed {number}: {text}"))
                break
    return failures


def main() -> int:
    """Run the command line; returns the exit code."""
    from fake_firmware import build_fake

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="streams for each input format")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = [build_fake("host", Path(folder), name) for name in FORMATS]
        failures = fuzz(programs, wanted.count, wanted.seed)
    for failure in failures:
        print(failure)
    print(f"{wanted.count} streams for each of {', '.join(FORMATS)}: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

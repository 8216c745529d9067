"""The harness under libFuzzer with AddressSanitizer and UBSan: bytes of a host chosen by coverage.

`python tests/device/harness_libfuzzer.py --bytes 10000000` sends that many bytes for each input
format; what fails is printed by libFuzzer, with the input, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HARNESS = HERE.parents[1] / "firmware" / "harness"
COMPILERS = ("clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14", "clang")
FORMATS = ("INT8", "UINT8", "FLOAT32")
WORDS = (
    *("db", "tc", "load", "print", "infer", "results", "name", "profile", "timestamp", "help"),
    *("info", "run", "output", "tensor", "checksums", "nodes", "stack", "sync", " ", "%", "96"),
    *("384", "tc load 96 0%", "db load 96%", "db load 384%", "infer 1 0%", "00", "ff" * 31),
)
FUZZER = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror")


def compiler() -> str | None:
    """A clang with libFuzzer; None if there is none."""
    for name in filter(shutil.which, COMPILERS):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "empty.c"
            source.write_text("int LLVMFuzzerTestOneInput(const char *d, long n);\n"
                              "int LLVMFuzzerTestOneInput(const char *d, long n) "
                              "{ (void)d; (void)n; return 0; }\n")  # fmt: skip
            command = [name, *FUZZER, source, "-o", source.with_suffix("")]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return name
    return None


def built(clang: str, folder: Path, kind: str, count: int, harness: Path = HARNESS) -> Path:
    """The target for one input format, which ends after so many bytes."""
    omitted = ("main.c", "host_runner.c")
    sources = [path for path in sorted(harness.glob("*.c")) if path.name not in omitted]
    program = folder / f"fuzz-{kind}"
    command = [
        clang, *WARNINGS, *FUZZER, "-O1", "-g", f"-DFORMAT=TC_INPUT_{kind}",
        f"-DFUZZ_BYTES={count}UL", f"-I{harness}", *sources, HERE / "fake_model.c",
        HERE / "harness_libfuzzer.c", "-o", program,
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return program


def fuzz(program: Path, folder: Path, seed: int) -> subprocess.CompletedProcess[str]:
    """Run a target until it has had its bytes, or fails."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir(exist_ok=True)
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    for verb, size, after in (("tc", 96, " 0"), ("db", 96, ""), ("db", 384, "")):
        parts = f"{verb} {'00' * 32}%" * (size // 32)
        load = f"{verb} load {size}{after}%{parts}tc run%infer 1 0%"
        (corpus / f"{verb}-{size}").write_text(load)
    options = (f"-dict={words}", f"-seed={seed}", "-max_len=2000", "-timeout=60",
               f"-artifact_prefix={folder}/", "-rss_limit_mb=1000")  # fmt: skip
    return subprocess.run(
        [program, *options, corpus], capture_output=True, text=True, check=False, errors="replace"
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=10_000_000, help="for each input format")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    clang = compiler()
    if clang is None:
        print("left out: no clang with libFuzzer (apt install clang-19 libclang-rt-19-dev)")
        return 0
    status = 0
    for kind in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            program = built(clang, Path(folder), kind, wanted.bytes)
            done = fuzz(program, Path(folder), wanted.seed)
        print(kind, done.stdout if done.returncode == 0 else done.stderr[-5000:], flush=True)
        status = status or done.returncode
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())

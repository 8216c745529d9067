"""The example session in README.md: its command is run again, and what it prints takes the place of
what stands there.

    python -m benchmarks.session [--check]

With --check nothing is written: the exit code is 1 if the output differs.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import HERE, SHARED

README = HERE.parent / "README.md"
_SESSION = re.compile(
    r"(?<=^```\n)\$ tinycomp (?P<arguments>[^\n]*)\n(?P<output>.*?)(?=^```$)", re.M | re.S
)
_FILES = {".keras": "models", ".npz": "data"}
"""Folders of the shared files that a command names, by their endings."""


def main() -> int:
    """Renew or check the session; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    (session,) = _SESSION.finditer(text)
    printed = run(shlex.split(session["arguments"]))
    if printed == session["output"]:
        return 0
    old, new = session["output"].splitlines(), printed.splitlines()
    print("\n".join(difflib.unified_diff(old, new, "README.md", "now", lineterm="", n=0)))
    if check:
        print("python -m benchmarks.session renews it")
        return 1
    start, end = session.span("output")
    README.write_text(text[:start] + printed + text[end:], encoding="utf-8")
    return 0


def run(arguments: list[str]) -> str:
    """What the command prints in a folder with the shared files that it names."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment["PYTHONPATH"] = str(HERE.parent)
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments:
            if (of := _FILES.get(Path(name).suffix)) is not None:
                (Path(folder) / name).symlink_to(SHARED / of / name)
        command = [sys.executable, "-m", "tinycomp", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, encoding="utf-8",
            check=True,
        )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

"""Fuzzes builds of random models with random boards and options: a build must verify, and a refusal
must have a reason.

    python tests/fuzz/fuzz.py --minutes 5 --seed 0

draws one case per seed, starting with the given one, until the time is over or --count cases have
run. A failure is minimized and printed as a script; its model is kept in --keep. Cases run in a
separate process, because they may crash or hang.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "ops"), str(HERE.parent.parent)]

from fuzz_cases import FuzzCase, draw, run, script, simpler, write_model  # noqa: E402

PATIENCE = 240
"""Time limit for one case, in seconds."""
ATTEMPTS = 40
"""The most cases tried to minimize one failure."""
PROGRESS = 20
"""Cases between two lines of progress on standard error."""


class Worker:
    """A process that runs cases one after another, and is restarted if it ends."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def run(self, case: FuzzCase) -> dict[str, Any]:
        """The outcome of the case."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--worker"], text=True, env=os.environ,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(case)) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.process.kill()
        status = self.process.wait()
        self.process = None
        text = f"The process ended with status {status}." if ready else f"No end in {PATIENCE} s."
        return {"outcome": "failed", "text": text}

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def work() -> None:
    """Run the cases from standard input, one line of JSON each."""
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        case = json.loads(line)
        case["left_out"] = tuple(case["left_out"])
        with tempfile.TemporaryDirectory(prefix="tinycomp-fuzz-") as folder:
            found = run(FuzzCase(**case), Path(folder))
        reply.write(json.dumps(found) + "\n")
        reply.flush()


def minimized(case: FuzzCase, text: str, worker: Worker) -> tuple[FuzzCase, str]:
    """The smallest case found that still fails, and its error."""
    left = ATTEMPTS
    while left:
        for smaller in simpler(case):
            left -= 1
            found = worker.run(smaller)
            if found["outcome"] == "failed":
                case, text = smaller, found["text"]
                break
            if not left:
                return case, text
        else:
            return case, text
    return case, text


def report(case: FuzzCase, text: str, keep: Path) -> None:
    """Keep the model; print the error and the script."""
    folder = keep / f"seed-{case.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    write_model(case, folder)
    print(f"\nFAILED seed {case.seed}\n{text}\n{script(case, folder)}", flush=True)


def summary(counts: Counter[str]) -> str:
    """How many cases ended how, on which board."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no cases"


def main() -> int:
    """Run the command line; the exit status is 1 if a case failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1 << 30)
    parser.add_argument("--boards", nargs="*", default=[])
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--worker", action="store_true")
    wanted = parser.parse_args()
    if wanted.worker:
        work()
        return 0
    worker, counts, refusals = Worker(), Counter[str](), Counter[str]()
    end = time.monotonic() + 60 * wanted.minutes
    for seed in range(wanted.seed, wanted.seed + wanted.count):
        if time.monotonic() > end:
            break
        case = draw(seed, wanted.boards)
        found = worker.run(case)
        counts[f"{found['outcome']} on {case.board}"] += 1
        if found["outcome"] == "refused":
            refusals[found["text"][:160]] += 1
        if found["outcome"] == "failed":
            report(*minimized(case, found["text"], worker), wanted.keep)
        if counts.total() % PROGRESS == 0:
            print(f"seed {seed}: {summary(counts)}", file=sys.stderr, flush=True)
    worker.close()
    for text, count in refusals.most_common(12):
        print(f"refused {count} x: {text}")
    print(summary(counts))
    return int(any(what.startswith("failed") for what in counts))


if __name__ == "__main__":
    sys.exit(main())

"""A few hundred mutated .tflite files; tests/fuzz_tflite.py runs any number."""

from __future__ import annotations

import os

from fuzz_tflite import Fuzzer, Worker


def test_mutants_are_refused_or_equal() -> None:
    fuzzer = Fuzzer()
    fuzzer.run(300, 1)
    assert [what for what, _, _ in fuzzer.failures] == []
    assert fuzzer.counts["equal"] > 60
    assert fuzzer.counts["refused"] > 60


def _misbehave(how: str) -> str:
    if how == "crash":
        os._exit(3)
    while how == "hang":
        pass
    return how


def test_worker_survives_crashes_and_hangs() -> None:
    worker = Worker(_misbehave, 0.2)
    try:
        assert worker("crash") == ("crashed", None)
        assert worker("hang") == ("hung", 0.2)
        assert worker("well") == ("done", "well")
    finally:
        worker.stop()

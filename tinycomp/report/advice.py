"""What to do after a build: the most useful steps for its figures, each with its command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tinycomp.report.record import Report

MOST = 3
"""Steps that are shown."""
FULL = 0.6
"""The share of a board's flash or RAM from which on a smaller model is advised."""
LOSS = 0.01
"""The loss of accuracy from which on a remedy is advised."""
_SHARES = ("top-1", "accuracy", "R2")


@dataclass(frozen=True)
class Origin:
    """Where a build came from and went, for commands."""

    folder: str
    """The output folder."""
    model: str = "MODEL"
    """The model's file."""
    data: str | None = "DATA"
    """The samples; None: none were given."""
    flashable: bool = False
    """Whether the board's project can be flashed."""
    trainable: bool = True
    """Whether the file is of a float model, which can be trained."""
    reading: tuple[str, ...] = ()
    """Options of how the samples are read, as typed."""
    board: str | None = None
    """What the command line named the board; None: as in the report."""


@dataclass(frozen=True)
class Step:
    """One step."""

    why: str
    """The reason, as a clause."""
    command: str
    """The command line."""


def next_steps(report: Report, origin: Origin) -> tuple[Step, ...]:
    """The most useful steps, the most urgent first, at most MOST."""
    found: dict[str, Step] = {}
    for step in _steps(report, origin):
        found.setdefault(step.command, step)
    return tuple(found.values())[:MOST]


def _steps(report: Report, origin: Origin) -> Iterator[Step]:
    folder = shlex.quote(origin.folder)
    if not report.verify:
        yield Step("the C code was not compared with LiteRT", f"tinycomp verify {folder}")
    if report.flash is None:
        why = "the board's compiler is missing, so flash and time were not measured"
        yield Step(why, f"tinycomp boards {_board(report, origin)}")
    yield from _on_accuracy(report, origin)
    yield from _on_room(report, origin)
    if origin.flashable:
        yield Step("with the board on a port, flash and time it", f"tinycomp run {folder}")
    if report.latency is None and report.flash is not None:
        yield Step("nothing was timed", f"tinycomp bench {folder} --board cortex-m4")
    if origin.trainable and not report.compression and origin.data is not None:
        command = _with_data("compress", report, origin, "-o small.tflite")
        yield Step("training can make it smaller", command)
    if not report.compression and (saved := _saved_by_4_bits(report)) > 0:
        why = f"weights of 4 bits take about {saved:,} bytes less of flash"
        yield Step(why, _build(report, origin, "c4"))
    if not origin.flashable:
        yield Step(
            "see the boards that it can be built for, and flashed to with 'tinycomp run'",
            "tinycomp boards",
        )
    yield Step("all figures, layer by layer", f"tinycomp inspect {folder} -v")


def _saved_by_4_bits(report: Report) -> int:
    """Half of the weights' bytes, less a codebook of 16 for each layer that gains by it."""
    return sum(max(0, layer.weight_bytes // 2 - 16) for layer in report.layers)


def _on_accuracy(report: Report, origin: Origin) -> Iterator[Step]:
    accuracy = report.accuracy
    if accuracy is None:
        if origin.data is None:
            folder = shlex.quote(f"{origin.folder}-data")
            given = replace(origin, data="samples.npz")
            command = _with_data("build", report, given, f"-o {folder}")
            yield Step("the accuracy is not known without samples", command)
        return
    if accuracy.metric not in _SHARES or accuracy.dense_int8 is None:
        return
    wide = report.precision != "int8"
    if not wide and accuracy.float is not None and accuracy.float - accuracy.dense_int8 > LOSS:
        lost = 100 * (accuracy.float - accuracy.dense_int8)
        yield Step(f"int8 loses {lost:.1f} points: try 16 bits", _build(report, origin, "a16"))
    if accuracy.int8 is not None and accuracy.dense_int8 - accuracy.int8 > LOSS:
        lost = 100 * (accuracy.dense_int8 - accuracy.int8)
        why = f"compression loses {lost:.1f} points: train while compressing"
        if origin.trainable:
            yield Step(why, _with_data("compress", report, origin, "-o small.tflite"))


def _on_room(report: Report, origin: Origin) -> Iterator[Step]:
    room = report.room
    if room is None:
        return
    if report.ram and report.ram.total > FULL * room.ram:
        share = 100 * report.ram.total / room.ram
        yield Step(f"{share:.0f} % of the RAM is used", _build(report, origin, "ram"))
    if report.flash and report.flash.total > FULL * room.flash:
        why = f"{100 * report.flash.total / room.flash:.0f} % of the flash is used"
        if origin.trainable and origin.data is not None:
            half = max(1, report.flash.constants // 2000)
            more = f"--target-bytes {half}k -o small.tflite"
            yield Step(why, _with_data("compress", report, origin, more))
        elif not report.compression:
            yield Step(why, _build(report, origin, "c4"))


_VARIANTS = {"a16": "--activations 16", "ram": "--optimize ram", "c4": "--codebook-bits 4"}
"""Options of another build, by the ending of its folder's name."""


def _build(report: Report, origin: Origin, variant: str) -> str:
    """Another build of the same model beside this one."""
    folder = shlex.quote(f"{origin.folder.rstrip('/')}-{variant}")
    return _with_data("build", report, origin, f"{_VARIANTS[variant]} -o {folder}")


def _board(report: Report, origin: Origin) -> str:
    """A board's name, or the path of the user's own file."""
    named = f"{report.board}.toml" if report.own_board else report.board
    return shlex.quote(origin.board or named)


def _with_data(command: str, report: Report, origin: Origin, more: str) -> str:
    given = ("--data", origin.data, *origin.reading) if origin.data else ()
    data = f" {shlex.join(given)}" if given else ""
    return (
        f"tinycomp {command} {shlex.quote(origin.model)}{data} --board "
        f"{_board(report, origin)} {more}"
    )

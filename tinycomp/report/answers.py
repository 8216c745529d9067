"""What a user wants to know first about a build, in the same words in the terminal and on the page:
does it fit, how fast is it, how accurate, and what would it take without compression.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinycomp.report.numbers import cut_middle, show_metric, show_part, show_share, show_time
from tinycomp.report.record import AccuracyRecord, LatencyRecord, Report, VerifyRecord

_NAME = 32
"""Most letters of a name."""
_SAME = 0.005
"""Flash that differs by less than this part is called the same."""


@dataclass(frozen=True)
class Answer:
    """One answer."""

    question: str
    """In a word or two: "Flash"."""
    value: str
    """The answer itself, short."""
    detail: str = ""
    """More about it."""
    share: float | None = None
    """Used part of what the board has, from 0 on; None if that does not apply."""


def fits(report: Report) -> bool | None:
    """Whether flash and RAM suffice; None for this computer, or where the code is not measured."""
    if report.room is None or report.flash is None or report.ram is None:
        return None
    return report.flash.total <= report.room.flash and report.ram.total <= report.room.ram


def verdict(report: Report) -> str:
    """Whether it fits, in a sentence."""
    fit, board = fits(report), report.board
    if fit is None:
        known = "the flash was not measured" if report.room else "there is no limit"
        return f"Built for {board}: {known}."
    assert report.room is not None
    assert report.flash is not None
    assert report.ram is not None
    flash = show_part(report.flash.total, report.room.flash)
    ram = show_part(report.ram.total, report.room.ram)
    word = "Fits" if fit else "Does not fit"
    return f"{word} {board}: {flash} of its flash, {ram} of its RAM."


def answers(report: Report) -> Iterator[Answer]:
    """The answers that are known, the most important ones first."""
    room = report.room
    if report.flash:
        flash = report.flash
        parts = f"code {flash.code:,}, constants {flash.constants:,}"
        yield _memory("Flash", flash.total, room.flash if room else None, parts)
    if report.ram:
        ram = report.ram
        stack = "stack not measured" if ram.stack is None else f"stack {ram.stack:,}"
        state = f", state {ram.state:,}" if ram.state else ""
        parts = f"arena {ram.arena + ram.scratch:,}{state}, {stack}"
        yield _memory("RAM", ram.total, room.ram if room else None, parts)
    if report.memory is not None and report.memory.steps:
        yield _peak(report)
    if report.latency:
        yield _time(report.latency, report.model.macs)
    whole = report.stream.whole if report.stream else None
    if report.latency and whole is not None and whole.latency:
        times = f"{whole.latency / report.latency.value:.1f} times those of a hop"
        unit = report.latency.unit.capitalize()
        yield Answer(f"{unit} of a window", short(whole.latency), times)
    for record in report.accuracies:
        if record.int8 is not None:
            counts = record is report.accuracy and len(report.accuracies) > 1
            yield _accuracy(record, report.precision, _elsewhere(report), counts=counts)
    if report.plain:
        yield _plain(report)
    for comparison in report.verify:
        yield _verified(comparison)


def _memory(question: str, used: int, room: int | None, parts: str) -> Answer:
    if room is None:
        return Answer(question, f"{used:,} bytes", parts)
    left = room - used
    rest = f"{left:,} bytes left" if left >= 0 else f"{-left:,} bytes too many"
    detail = f"{show_share(used, room)}, {rest}: {parts}"
    return Answer(question, f"{used:,} bytes", detail, used / room)


def _peak(report: Report) -> Answer:
    """The layer at which the most RAM is in use, and the largest buffer then."""
    assert report.memory is not None
    memory = report.memory
    step = memory.peak
    layer = memory.layer_at(step)
    largest = memory.at(step)[0]
    where = f"in {cut_middle(layer, _NAME)}; " if layer else ""
    held = f"the largest buffer is {cut_middle(largest.described, _NAME)}, {largest.size:,} bytes"
    return Answer("Peak", f"{memory.usage[step]:,} bytes", f"{where}{held}")


def _time(latency: LatencyRecord, macs: int) -> Answer:
    rate = f"{latency.value / macs:.2f} per multiply-accumulate" if macs else ""
    counted = f"{latency.value:,} {latency.unit}"
    if latency.time is None:
        return Answer(latency.unit.capitalize(), f"{latency.value:,}", rate)
    value, _, clock = show_time(latency.time).partition(" at ")
    kind = "" if latency.time.exact else ", an estimate"
    return Answer("Time", value, f"{latency.time.board} at {clock}{kind}; {counted}, {rate}")


def _accuracy(accuracy: AccuracyRecord, precision: str, elsewhere: str, *, counts: bool) -> Answer:
    """Float, quantized, and compressed; the last two are one without compression. Of several
    outputs, which one it is, and whether it is the one that counts.
    """
    stages = {"float": accuracy.float, precision: accuracy.dense_int8, "compressed": accuracy.int8}
    if accuracy.dense_int8 == accuracy.int8:
        del stages["compressed"]
    known = {name: value for name, value in stages.items() if value is not None}
    names = " \N{RIGHTWARDS ARROW} ".join(known)
    values = " \N{RIGHTWARDS ARROW} ".join(
        show_metric(accuracy.metric, value) for value in known.values()
    )
    which = f"output {cut_middle(accuracy.output, _NAME)}" if accuracy.output else ""
    which += f"{', which counts' if counts else ''}; " if which else ""
    measured = f"{accuracy.metric} of {accuracy.samples:,} samples{elsewhere}"
    question = "Error" if accuracy.metric.endswith("error") else "Accuracy"
    return Answer(question, values, f"{which}{names}; {measured}")


def _elsewhere(report: Report) -> str:
    """Where the accuracy is the same, since the same bytes are computed there for each sample."""
    places = {
        "device": f"on {report.board}",
        f"stand-in {report.stand_in}": f"on {report.stand_in}",
        "host": "in C on this computer",
    }
    for name, place in places.items():
        if any(name in record.executions and record.equal for record in report.verify):
            return f", and the same {place}: every byte is equal"
    return ""


def _plain(report: Report) -> Answer:
    """The same model, quantized alike, without compression."""
    plain = report.plain
    assert plain is not None
    parts = [f"{plain.ram.total:,} bytes of RAM"]
    if plain.latency is not None and report.latency is not None:
        parts.append(f"{plain.latency:,} {report.latency.unit}")
    if report.flash:
        parts.append(_saved(1 - report.flash.total / plain.flash.total))
    question = "As plain int8" if report.precision == "int8" else "Not compressed"
    return Answer(question, f"{plain.flash.total:,} bytes", ", ".join(parts))


def _saved(part: float) -> str:
    """What compression does to the flash, as a part of that of plain int8."""
    if abs(part) < _SAME:
        return "compression saves no flash here"
    return f"this build has {100 * abs(part):.0f} % {'less' if part > 0 else 'more'} flash"


def _verified(record: VerifyRecord) -> Answer:
    names = ", ".join(record.executions)
    what = f"{names}: {record.tensors:,} tensors, {record.samples:,} samples"
    return Answer("Verified", "equal in every byte" if record.equal else "DIFFERENT", what)


def short(count: int) -> str:
    """A count with three digits and its unit: "3.46 M"."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)

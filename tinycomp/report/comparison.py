"""Two builds side by side: what grew, what shrank, and whether growth stays within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tinycomp.common.errors import TinycompError
from tinycomp.data.score import ABSOLUTE_ERROR, SQUARED_ERROR
from tinycomp.report.numbers import show_metric
from tinycomp.report.record import LayerRecord, Report

FLASH, RAM, LATENCY = "flash", "RAM", "latency"
"""The figures whose growth can be limited."""


@dataclass(frozen=True)
class Change:
    """One figure of two builds."""

    what: str
    """The figure's name."""
    unit: str
    """"bytes", the latency's unit, or a metric's name."""
    before: float | None
    """Of the build that is compared with; None if it is not known."""
    after: float | None
    """Of the new build."""

    @property
    def growth(self) -> float | None:
        """How much more it is now; None if either is not known."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def is_score(self) -> bool:
        """Whether it is a metric and not a cost."""
        return self.what.startswith("accuracy")

    @property
    def label(self) -> str:
        """The figure with its unit."""
        return self.what if self.is_score else f"{self.what}, {self.unit}"

    @property
    def is_worse(self) -> bool:
        """Whether the new value is worse: costs and errors grew, or another score fell."""
        growth = self.growth or 0.0
        rises = not self.is_score or self.unit in (SQUARED_ERROR, ABSOLUTE_ERROR)
        return growth > 0 if rises else growth < 0

    def shown(self, value: float | None) -> str:
        """A value as text."""
        if value is None:
            return ""
        return show_metric(self.unit, value) if self.is_score else f"{round(value):,}"

    @property
    def shown_growth(self) -> str:
        """The growth as text, with its part of the value before."""
        if self.growth is None or self.before is None:
            return ""
        if self.growth == 0:
            return "same"
        if self.is_score:
            return f"{'+' if self.growth > 0 else '-'}{show_metric(self.unit, abs(self.growth))}"
        part = f" ({100 * self.growth / self.before:+.1f} %)" if self.before else ""
        return f"{round(self.growth):+,}{part}"


@dataclass(frozen=True)
class LayerChange:
    """One layer of two builds; None where it does not exist or is not measured."""

    name: str
    """Of the layer in both."""
    bytes: Change
    """Weights and other constants."""
    latency: Change
    """In the latency's unit."""

    @property
    def is_changed(self) -> bool:
        """Whether its bytes differ, or latencies that can be compared."""
        return self.bytes.before != self.bytes.after or bool(self.latency.growth)


@dataclass(frozen=True)
class Limit:
    """The growth that is allowed: of a number, or of a part of the value before."""

    amount: float
    """The number, or the percentage."""
    is_percent: bool
    """Which of both it is."""

    def allows(self, change: Change) -> bool:
        """Whether a change stays within it."""
        assert change.growth is not None
        assert change.before is not None
        room = self.amount * change.before / 100 if self.is_percent else self.amount
        return change.growth <= room

    def __str__(self) -> str:
        return f"{self.amount:g} %" if self.is_percent else f"{self.amount:,.0f}"


def read_limit(text: str, option: str) -> Limit:
    """A limit as it is typed: "512", "2%", "0".

    Raises:
        TinycompError: it is neither.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    if match is None or ("." in match[1] and not match[2]):
        raise TinycompError(
            f"{option} {text} is no limit.",
            expected="Expected a number (512) or a percentage (2%).",
            hint=f"{option} 0 allows no growth at all.",
        )
    return Limit(float(match[1]), bool(match[2]))


def changes(before: Report, after: Report) -> tuple[Change, ...]:
    """All figures that either build has."""
    found = [*_memory(before, after), _latency(before, after), *_scores(before, after)]
    return tuple(each for each in found if (each.before, each.after) != (None, None))


def _memory(before: Report, after: Report) -> Iterator[Change]:
    both = (before, after)
    yield Change(FLASH, "bytes", *(each.flash.total if each.flash else None for each in both))
    yield Change("code", "bytes", *(each.flash.code if each.flash else None for each in both))
    yield Change(
        "constants", "bytes", *(each.flash.constants if each.flash else None for each in both)
    )
    yield Change(RAM, "bytes", *(each.ram.total if each.ram else None for each in both))
    yield Change("stack", "bytes", *(each.ram.stack if each.ram else None for each in both))


def _latency(before: Report, after: Report) -> Change:
    """Latencies; that of the old build only if it was counted in the same way."""
    unit = after.latency.unit if after.latency else ""
    value = before.latency.value if before.latency and _alike(before, after) else None
    return Change(LATENCY, unit, value, after.latency.value if after.latency else None)


def _alike(before: Report, after: Report) -> bool:
    """Whether latencies can be compared: of the same board, stand-in and unit."""
    if before.latency is None or after.latency is None:
        return False
    return (before.board, before.stand_in, before.latency.unit) == (
        after.board, after.stand_in, after.latency.unit,
    )  # fmt: skip


def _scores(before: Report, after: Report) -> Iterator[Change]:
    old = {
        (record.output, metric.metric): metric.int8
        for record in before.accuracies
        for metric in record.metrics
    }
    for record in after.accuracies:
        for metric in record.metrics:
            label = ", ".join(filter(None, ("accuracy", record.output, metric.metric)))
            known = old.get((record.output, metric.metric))
            yield Change(label, metric.metric, known, metric.int8)


def layer_changes(before: Report, after: Report) -> tuple[LayerChange, ...]:
    """All layers of either build: those of the new one in its order, then those that are gone."""
    old, new = ({layer.name: layer for layer in each.layers} for each in (before, after))
    alike = _alike(before, after)
    unit = after.latency.unit if after.latency else ""
    was = {e.name: e.value for e in before.latency.layers} if before.latency and alike else {}
    now = {each.name: each.value for each in after.latency.layers} if after.latency else {}
    return tuple(
        LayerChange(
            name,
            Change("constants", "bytes", _bytes(old.get(name)), _bytes(new.get(name))),
            Change(LATENCY, unit, was.get(name), now.get(name)),
        )
        for name in dict.fromkeys([*new, *old])
    )


def _bytes(layer: LayerRecord | None) -> int | None:
    return None if layer is None else layer.weight_bytes + layer.constant_bytes


def differences(before: Report, after: Report) -> Iterator[str]:
    """What makes both hard to compare, as sentences."""
    if before.board != after.board:
        yield f"Boards differ: {before.board} before, {after.board} now."
    if before.model.sha256 != after.model.sha256:
        yield "The models are not the same file."
    made = [each.provenance for each in (before, after)]
    compilers = [each.compiler for each in made if each is not None and each.compiler]
    if len({*compilers}) > 1:
        yield f"Compilers differ: {compilers[0]} before, {compilers[1]} now."
    if before.generator != after.generator:
        yield f"tinycomp {before.generator} before, {after.generator} now."
    if before.latency and after.latency and not _alike(before, after):
        yield "Latencies were counted in different ways, and are not compared."


def exceeded(found: tuple[Change, ...], limits: dict[str, Limit]) -> Iterator[str]:
    """A sentence for each figure that grew more than allowed.

    Raises:
        TinycompError: a figure with a limit is not known in both builds.
    """
    by_name = {change.what: change for change in found}
    for name, limit in limits.items():
        change = by_name.get(name)
        if change is None or change.growth is None:
            raise TinycompError(
                f"The {name} of both builds can't be compared: it was not measured alike.",
                expected="Expected two builds for the same board, with its compiler at hand"
                + (" and benched." if name == LATENCY else "."),
                hint="Build both again in the same way.",
            )
        if not limit.allows(change):
            yield (
                f"{name} grew by {change.shown_growth}, from {change.shown(change.before)} to "
                f"{change.shown(change.after)} {change.unit}; {limit} was allowed."
            )

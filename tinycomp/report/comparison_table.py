"""Two builds side by side, for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from tinycomp.report.comparison import Change, changes, differences, layer_changes
from tinycomp.report.record import Report
from tinycomp.report.tables import Figures

_LAYERS = 10
"""Most layers that are listed."""


def comparison_table(names: tuple[str, str], before: Report, after: Report) -> RenderableType:
    """All figures, and the layers that changed most; names: where the builds are."""
    title = f"{after.model.name} on {after.board}: before in {names[0]}, now in {names[1]}"
    rows = [
        (
            change.label, change.shown(change.before), change.shown(change.after),
            _growth(change),
        )
        for change in changes(before, after)
    ]  # fmt: skip
    table = Figures(title, ("figure",), ("before", "now", "change"), rows)
    notes = (Text(note) for note in differences(before, after))
    return Group(table, *_layers(before, after), *notes)


def _layers(before: Report, after: Report) -> list[Figures]:
    changed = [each for each in layer_changes(before, after) if each.is_changed]
    if not changed:
        return []
    changed.sort(key=lambda each: -abs(each.bytes.growth or each.bytes.after or 0))
    more = f" ({_LAYERS} of {len(changed)})" if len(changed) > _LAYERS else ""
    title = f"Layers that changed{more}"
    unit = after.latency.unit if after.latency else "latency"
    rows = [
        (
            each.name,
            each.bytes.shown(each.bytes.after) or "gone",
            _growth(each.bytes) if each.bytes.before is not None else "new",
            _growth(each.latency),
        )
        for each in changed[:_LAYERS]
    ]
    return [Figures(title, ("layer",), ("bytes now", "change", unit), rows)]


def _growth(change: Change) -> Text:
    style = "" if not change.growth else "red" if change.is_worse else "green"
    return Text(change.shown_growth, style=style)

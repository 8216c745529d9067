"""Two builds side by side, for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tinycomp.report.comparison import Change, changes, differences, layer_changes
from tinycomp.report.numbers import cut_middle
from tinycomp.report.record import Report

_NAME, _LAYERS = 30, 10
"""Most letters of a layer's name, and most layers that are listed."""


def comparison_table(before: Report, after: Report) -> RenderableType:
    """All figures, and the layers that changed most."""
    title = f"{after.model.name} on {after.board}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("figure", no_wrap=True)
    for heading in ("before", "now", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    for change in changes(before, after):
        label = change.what if change.is_score else f"{change.what}, {change.unit}"
        table.add_row(
            label, change.shown(change.before), change.shown(change.after), _growth(change)
        )
    notes = (Text(note) for note in differences(before, after))
    return Group(table, *_layers(before, after), *notes)


def _layers(before: Report, after: Report) -> list[Table]:
    changed = [each for each in layer_changes(before, after) if each.is_changed]
    if not changed:
        return []
    changed.sort(key=lambda each: -abs(each.bytes.growth or each.bytes.after or 0))
    more = f" ({_LAYERS} of {len(changed)})" if len(changed) > _LAYERS else ""
    title = f"Layers that changed{more}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("layer", no_wrap=True)
    unit = after.latency.unit if after.latency else "latency"
    for heading in ("bytes now", "change", unit):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in changed[:_LAYERS]:
        table.add_row(
            cut_middle(each.name, _NAME),
            each.bytes.shown(each.bytes.after) or "gone",
            _growth(each.bytes) if each.bytes.before is not None else "new",
            _growth(each.latency),
        )
    return [table]


def _growth(change: Change) -> Text:
    style = "" if not change.growth else "red" if change.is_worse else "green"
    return Text(change.shown_growth, style=style)

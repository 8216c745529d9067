"""A colour for each layer, the same in every chart: neighbours differ most."""

from __future__ import annotations

from collections.abc import Iterable

from tinycomp.report.record import LayerRecord

_GOLDEN_ANGLE = 137.508
"""In degrees: consecutive multiples lie far apart on the circle of hues, and none recurs."""
INPUT = "input"
"""The name of what no layer writes."""


def hues(layers: Iterable[LayerRecord]) -> dict[str, int]:
    """The hue of each layer in degrees, by its name."""
    return {
        layer.name: round(_GOLDEN_ANGLE * number + 250) % 360 for number, layer in enumerate(layers)
    }

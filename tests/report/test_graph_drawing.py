"""The drawing of the model shows every layer once and every connection."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import pytest
from sample_reports import bare, deep

from tinycomp.report.colors import hues
from tinycomp.report.page.graph import PITCH, WIDTH, Drawing, drawing, pieces
from tinycomp.report.record import ActivationRecord, Report

REPORTS = {
    "operators": bare,
    "5": lambda: deep(5),
    "40": lambda: deep(40),
    "150": lambda: deep(150),
}


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    found: Report = REPORTS[request.param]()
    return found


def drawn(report: Report) -> Drawing:
    found = drawing(report, hues(report.layers))
    assert found is not None
    return found


def test_every_connection_is_drawn(report: Report) -> None:
    found = drawn(report)
    written = {name for layer in report.layers for name in layer.outputs}
    inputs = [each.name for each in report.tensors if each.name not in written]
    number = {name: n for n, name in enumerate(inputs)}
    wanted = set()
    for n, layer in enumerate(report.layers, len(inputs)):
        wanted |= {(number[name], n) for name in layer.inputs}
        number.update(dict.fromkeys(layer.outputs, n))
    shown = {(source, source + 1) for source in found.arrows}
    shown |= {(link.source, target) for link in found.links for target in link.targets}
    assert shown == wanted


def test_lanes_do_not_overlap(report: Report) -> None:
    for one, other in combinations(drawn(report).links, 2):
        if one.lane == other.lane:
            assert one.targets[-1] < other.source or other.targets[-1] < one.source


def test_every_box_is_in_one_piece(report: Report) -> None:
    found = pieces(drawn(report))
    numbers = [box["number"] for piece in found for box in piece["boxes"]]
    assert [n for n in numbers if n] == [*range(1, len(report.layers) + 1)]
    for piece in found:
        assert piece["height"] == PITCH * len(piece["boxes"])
        assert 100 < piece["box_width"] < WIDTH


def test_lines_stay_within_their_piece_and_continue_in_the_next(report: Report) -> None:
    found = pieces(drawn(report))
    ends: dict[str, set[float]] = {}
    for at, piece in enumerate(found):
        for link in piece["links"]:
            places = [float(y) for y in re.findall(r"M[\d.]+ ([\d.-]+)", link["path"])]
            places += [float(y) for y in re.findall(r"V([\d.-]+)", link["path"])]
            assert 0 <= min(places) <= max(places) <= piece["height"]
            for edge, y in (("top", 0), ("bottom", piece["height"])):
                if y in places:
                    x = float(re.findall(r"M([\d.]+) [\d.-]+V", link["path"])[0])
                    ends.setdefault(f"{edge} {at if edge == 'top' else at + 1}", set()).add(x)
    for key in ends:
        other = ("bottom " if key.startswith("top") else "top ") + key.split()[1]
        assert ends[key] == ends[other]


@pytest.mark.parametrize(
    ("zero", "shown"),
    [(0, "2, 0.5\u00d7q"), (7, "2, 0.5\u00d7(q\u22127)"), (-8, "2, 0.5\u00d7(q+8)")],
)
def test_the_real_value_of_a_stored_one(zero: int, shown: str) -> None:
    report = deep(5)
    source = ActivationRecord("input", (2,), "int8", 0.5, zero)
    found = drawn(replace(report, tensors=(source, *report.tensors[1:])))
    assert found.boxes[0]["note"] == shown
    wide = replace(source, dtype="int16")
    found = drawn(replace(report, tensors=(wide, *report.tensors[1:])))
    assert found.boxes[0]["note"] == shown.replace("2,", "2 int16,")


def test_old_reports_have_no_drawing() -> None:
    assert drawing(replace(bare(), tensors=()), {}) is None

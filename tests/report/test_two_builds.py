"""Two builds are compared figure by figure and layer by layer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_reports import classification, full
from test_html_page import Page

from tinycomp.common.errors import TinycompError
from tinycomp.report.comparison import (
    FLASH,
    LATENCY,
    RAM,
    Change,
    Limit,
    changes,
    differences,
    exceeded,
    layer_changes,
    read_limit,
)
from tinycomp.report.page.compare import comparison_page
from tinycomp.report.record import FlashRecord, Report

OLD = replace(full(), flash=FlashRecord(4000, 6000))
NEW = replace(OLD, flash=FlashRecord(4100, 6000))


def failures(limit: str, name: str = FLASH, old: Report = OLD, new: Report = NEW) -> list[str]:
    return list(exceeded(changes(old, new), {name: read_limit(limit, "--x")}))


@pytest.mark.parametrize("limit", ["100", "1%", "1.0 %", "5000", "2%"])
def test_growth_within_a_limit(limit: str) -> None:
    assert failures(limit) == []


@pytest.mark.parametrize(("limit", "said"), [("99", "99"), ("0", "0"), ("0.99%", "0.99 %")])
def test_growth_beyond_a_limit(limit: str, said: str) -> None:
    assert failures(limit) == [
        f"flash grew by +100 (+1.0 %), from 10,000 to 10,100 bytes; {said} was allowed."
    ]


def test_less_is_never_too_much() -> None:
    assert failures("0", old=NEW, new=OLD) == []
    assert failures("0", RAM) == []


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "1k", "%", "1%%"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(TinycompError, match=r"--max .*is no limit\. Expected a number \(512\)"):
        read_limit(text, "--max")
    assert read_limit("2%", "") == Limit(2.0, True)


def test_what_was_not_measured_alike_is_refused() -> None:
    other = replace(OLD, board="uno")
    with pytest.raises(TinycompError, match="latency of both builds can't be compared"):
        failures("0", LATENCY, old=other)
    with pytest.raises(TinycompError, match="flash of both builds can't be compared"):
        failures("0", old=replace(OLD, flash=None))
    assert [*differences(other, NEW)] == [
        "Boards differ: uno before, cortex-m4 now.",
        "Latencies were counted in different ways, and are not compared.",
    ]


def test_all_figures() -> None:
    better = replace(NEW, accuracy=replace(classification(3), int8=0.93))
    found = {change.what: change.shown_growth for change in changes(OLD, better)}
    assert found == {
        "flash": "+100 (+1.0 %)", "code": "+100 (+2.5 %)", "constants": "same", "RAM": "same",
        "stack": "same", "latency": "same", "accuracy, top-1": "+1.0 %",
        "accuracy, ROC AUC": "same",
    }  # fmt: skip


def test_layers_that_are_new_gone_and_changed() -> None:
    first, second, *rest = OLD.layers
    other = replace(first, weight_bytes=first.weight_bytes + 7)
    new = replace(OLD, layers=(other, replace(second, name="new"), *rest))
    found = {each.name: each.bytes for each in layer_changes(OLD, new) if each.is_changed}
    assert set(found) == {first.name, second.name, "new"}
    assert found[first.name].growth == 7
    assert found[second.name].after is None
    assert found["new"].before is None


def test_latencies_that_can_not_be_compared_are_no_change() -> None:
    other = replace(OLD, board="uno")
    assert not any(each.is_changed for each in layer_changes(other, NEW))
    changed = replace(other, layers=(replace(OLD.layers[0], weight_bytes=1), *OLD.layers[1:]))
    page = Page(comparison_page(("a", "b"), changed, NEW))
    assert "Bytes of weights and other constants, where they differ" in page.text


def test_errors_that_grow_are_worse_and_scores_that_grow_are_not() -> None:
    def change(what: str, unit: str) -> Change:
        return Change(what, unit, 0.5, 0.6)

    assert change("accuracy, age, mean squared error", "mean squared error").is_worse
    assert change("accuracy, mean absolute error", "mean absolute error").is_worse
    assert change("flash", "bytes").is_worse
    assert not change("accuracy, top-1", "top-1").is_worse
    assert not change("accuracy, R2", "R2").is_worse


def test_the_page() -> None:
    text = comparison_page(("old/", "<new>"), OLD, NEW)
    page = Page(text)
    assert "flash, bytes 10,000 10,100 +100 (+1.0 %)" in page.text
    assert "No layer differs." in page.text
    assert "<new> now, old/ before" in page.text
    assert 'change bad">+100' in text
    assert 'change good">-100' in comparison_page(("a", "b"), NEW, OLD)

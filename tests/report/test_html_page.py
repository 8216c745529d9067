"""report.html is one valid, self-contained page for any layer names."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sample_reports import bare, classification, full, regression, steps

from tinycomp.report.html import html
from tinycomp.report.page import layers as layer_parts
from tinycomp.report.record import (
    REPORT_NAME,
    PlainRecord,
    Report,
    RoomRecord,
    StreamRecord,
    VerifyRecord,
    read_report,
    to_json,
)

VOID = {"meta", "hr", "br", "img", "input", "link"}
HOSTILE = "</style><script>alert(\"1\")</script>&amp; 'x'"


class Page(HTMLParser):
    """Parses a page: checks that elements are closed correctly, collects attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += f" {data}"

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_all_sections_are_present() -> None:
    report = full()
    text = html(report)
    page = Page(text)
    assert headings(text) == [
        "Model", "RAM over time", "Accuracy", "Float against int8", "Latency", "Flash",
        "Shares by layer", "Verification", "Provenance",
    ]  # fmt: skip
    for layer in report.layers:
        assert layer.name in page.text
    for shown in (
        "200 samples top-1 ROC AUC float model 93.5 % 0.990",
        "int8, as emitted 92.0 % 0.970", "code 4,000 bytes", "1,000 instructions",
        "1,600 cycles on CHIP (cortex-m4) at 120 MHz", "not measured on a chip",
        "An assumption.", "loads 500 (50.0 %)", "Equal in every byte", "Left out: nothing.",
    ):  # fmt: skip
        assert shown in page.text, shown


def test_a_small_confusion_matrix_is_shown_completely() -> None:
    text = html(replace(full(), accuracy=classification(3)))
    assert (
        "true class class 0 class 1 class 2 class 0 10 class 1 9 1 class 2 2 8" in Page(text).text
    )
    assert text.count('<div class="scroll">') == 2


def test_many_classes_show_the_most_frequent_confusions() -> None:
    page = Page(html(replace(full(), accuracy=classification(40))))
    assert "true class predicted samples class 39 class 0 39 class 38 class 39 38" in page.text
    assert "class 27 class 28" not in page.text
    assert "the matrix of all 40 classes is in report.json" in page.text


def test_outputs_are_listed() -> None:
    page = Page(html(replace(full(), accuracy=regression(30))))
    assert "float model 0.01234 0.900 int8, not compressed 0.0125 0.800" in page.text
    assert "int8, as emitted 0.0126 By output" in page.text
    assert "output R2 R2 output 0 0.900 0.800 output 1 0.899 0.799" in page.text
    assert "output 20" not in page.text
    assert "10 more are in report.json." in page.text


def test_errors_of_a_regression_are_a_histogram() -> None:
    page = Page(html(replace(full(), accuracy=regression(3))))
    heights = [
        float(a["height"] or 0) for t, a in page.tags if t == "rect" and a.get("class") == "int8"
    ]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 7  # of 8 bins, the last is empty
    assert "Distribution of errors" in page.text
    assert "output less label" in page.text


def test_steps_of_a_recipe_are_a_plot_and_a_table() -> None:
    page = Page(html(replace(full(), steps=steps())))
    circles = [a for tag, a in page.tags if tag == "circle"]
    assert [float(a["cx"] or 0) for a in circles] == sorted(
        (float(a["cx"] or 0) for a in circles), reverse=True
    )
    assert "0 the model 93.0 % 38,000 1,000 1,000 8.00" in page.text
    assert "2 rate 91.0 % 14,000 1,000 250 2.67 5,000" in page.text
    unscored = tuple(replace(each, score=None) for each in steps())
    assert "circle" not in {tag for tag, _ in Page(html(replace(full(), steps=unscored))).tags}


def test_the_limit_is_drawn_where_it_is_near() -> None:
    report = full()
    assert report.memory is not None
    assert report.ram is not None
    stack = report.ram.stack or 0
    near = replace(report, room=RoomRecord(10**6, report.memory.arena + stack + 100))
    assert 'class="limit"' in html(near)
    assert "the red line" in Page(html(near)).text
    assert 'class="limit"' not in html(report)
    assert "199,556 bytes for the arena on this board" in Page(html(report)).text


def test_it_is_self_contained() -> None:
    text = html(full())
    page = Page(text)
    assert text.startswith("<!doctype html>\n")
    assert {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe"} == set()
    assert not {name for _, attributes in page.tags for name in attributes} & {"src", "href"}
    assert not re.search(r"https?:|url\(|@import", text)
    assert "prefers-color-scheme: dark" in text


def test_it_is_deterministic() -> None:
    assert html(full()) == html(full())


def test_sections_without_data_are_omitted() -> None:
    text = html(replace(bare(), memory=None, ram=None, tensors=()))
    page = Page(text)
    assert headings(text) == ["Flash", "Verification", "Provenance"]
    assert "code not measured" in page.text
    assert "Executions were not compared." in page.text


def test_names_are_escaped() -> None:
    report = full(HOSTILE)
    layers = (replace(report.layers[0], name=HOSTILE), *report.layers[1:])
    page = Page(html(replace(report, layers=layers, notes=(HOSTILE,))))
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in page.text


def test_a_difference_is_named() -> None:
    record = VerifyRecord(("litert", "host"), 1, 3, False, "tensor 'a' differs")
    page = Page(html(replace(full(), verify=(record,))))
    assert "Different : litert, host, 3 tensors, 1 sample. tensor 'a' differs" in page.text
    assert "Equal in every byte" not in page.text


def test_a_hop_is_shown_beside_a_window(tmp_path: Path) -> None:
    report = full()
    assert report.flash is not None
    assert report.ram is not None
    whole = PlainRecord(report.flash, report.ram, 12_000)
    streamed = replace(report, stream=StreamRecord(49, 1, 49, whole))
    text = Page(html(streamed)).text
    assert "Instructions of a window 12 k 12.0 times those of a hop" in text
    (tmp_path / REPORT_NAME).write_text(to_json(streamed))
    assert read_report(tmp_path) == streamed


def widths(page: Page, kind: str) -> list[float]:
    """The widths of the elements of a class, in percent."""
    styles = [a["style"] or "" for _, a in page.tags if a.get("class") == kind and "style" in a]
    return [float(found[1]) for style in styles if (found := re.search(r"width:([\d.]+)%", style))]


def test_bars_stay_within_the_page() -> None:
    text = html(full())
    page = Page(text)
    for kind in "abc":
        assert widths(page, kind)
        assert all(0 <= width <= 100.001 for width in widths(page, kind))
    for stack in re.findall(r'<div class="stack".*?</div>', text, re.DOTALL):
        parts = [float(width) for width in re.findall(r"width:([\d.]+)%", stack)]
        assert sum(parts) == pytest.approx(100, abs=0.01)


def test_shares_of_every_layer() -> None:
    """Layer n of the sample report takes n instructions."""
    report = full()
    text = html(report).split("<h2>Shares by layer</h2>")[1].split("</section>")[0]
    page = Page(text)
    count = len(report.layers)
    for heading in ("instructions", "flash", "RAM in use"):
        assert heading in page.text
    assert report.latency is not None
    last = 100 * count / report.latency.value
    assert f"{count} {report.layers[-1].name} {last:.1f} %" in page.text
    for name in ("code", "other constants", "stack"):
        assert re.search(rf" {name} [\d.]+ %", page.text)
    assert max(widths(page, "b")) == pytest.approx(65.0)


@pytest.mark.parametrize("make", [bare, full, lambda: replace(full(), accuracy=regression(3))])
def test_a_report_comes_back_from_json(make, tmp_path) -> None:
    report: Report = make()
    (tmp_path / "report.json").write_text(to_json(report))
    assert read_report(tmp_path) == report
    assert html(read_report(tmp_path)) == html(report)


def test_int16_activations_are_not_called_int8() -> None:
    report = full()
    tensors = tuple(replace(tensor, dtype="int16") for tensor in report.tensors)
    page = Page(html(replace(report, tensors=tensors, accuracy=regression(3))))
    assert "int16 activations, not compressed 0.0125 0.800" in page.text
    assert "int16 activations, as emitted 0.0126" in page.text
    assert "Float against int16 activations" in page.text
    assert "int8" not in page.text.split("Accuracy")[1]


def test_shares_of_the_latency_are_those_of_the_inference() -> None:
    latency = full().latency
    assert latency is not None
    view = layer_parts.latency(latency, full().layers, None)
    assert latency.between > 0
    assert sum(row["share"] for row in view["rows"]) + view["between_share"] == pytest.approx(100)

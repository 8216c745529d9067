"""report.html in a browser: nothing is cut, overlaps or leaves the page, at the width of a
telephone and of a screen; pictures and the PDF are kept for looking at them.

They are in build/report-pictures.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from sample_reports import classification, deep, full, regression, steps

from tinycomp.report.html import html
from tinycomp.report.page.compare import comparison_page
from tinycomp.report.record import Report

WIDTHS = (390, 1280)


def _two_outputs() -> Report:
    """Scores of two outputs, one of them of classes with long names."""
    names = tuple(f"a rather long name of class {n}" for n in range(14))
    kind = replace(classification(14), classes=names, output="kind of the sound")
    return replace(full(), accuracy=kind, other_accuracies=(replace(regression(3), output="age"),))


PAGES = {
    "small": lambda: html(full()),
    "classes": lambda: html(replace(full(), accuracy=classification(20), steps=steps())),
    "deep": lambda: html(replace(deep(150), accuracy=regression(4), steps=steps())),
    "wide-names": lambda: html(deep(5)),
    "two-outputs": lambda: html(_two_outputs()),
    "two-builds": lambda: comparison_page(("before/", "now/"), deep(30), _two_outputs()),
}
PROBLEMS = """(() => {
  const found = [], width = document.documentElement.clientWidth, shown = window.getComputedStyle;
  const say = (what, element) =>
    found.push(what + ': <' + element.tagName + ' ' + element.className.toString() + '> ' +
               (element.textContent || '').trim().slice(0, 60));
  if (document.documentElement.scrollWidth > width) found.push('the page is wider than ' + width);
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest('title')) continue;
    if (!element.closest('.scroll') && (box.right > width + 1 || box.left < -1))
      say('beyond the page', element);
    const style = shown(element);
    if (style.overflowX !== 'visible' && !element.matches('.scroll') && !element.closest('svg') &&
        element.scrollWidth > element.clientWidth + 1)
      say('cut', element);
    const around = element.closest('.scroll');
    if (around && box.top < around.getBoundingClientRect().top - 1) say('cut above', element);
    if (around && element.matches('thead th') && element.scrollHeight > element.clientHeight + 1)
      say('cut heading', element);
    if (element.closest('.plot') && element.tagName === 'SPAN') {
      const around = element.parentElement.getBoundingClientRect();
      if (box.right > around.right + 1 || box.left < around.left - 1) say('cut label', element);
    }
  }
  const crossing = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
    a.top < b.bottom - 1 && b.top < a.bottom - 1;
  for (const group of [...document.querySelectorAll('.graph g, svg.axes')]) {
    const texts = [...group.querySelectorAll(':scope > text')];
    const boxes = texts.map(text => text.getBoundingClientRect());
    const frame = (group.querySelector('rect.box') || group).getBoundingClientRect();
    boxes.forEach((box, i) => {
      if (box.right > frame.right + 1 || box.left < frame.left - 1) say('leaves its box', texts[i]);
      boxes.slice(0, i).forEach((other, j) => {
        if (crossing(box, other)) say('overlaps ' + texts[j].textContent, texts[i]);
      });
    });
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def browser() -> Browser:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (apt install chromium)")
    pictures = Path(__file__).resolve().parents[2] / "build" / "report-pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    return Browser(pictures)


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"{request.param}.html"
    path.write_text(PAGES[request.param](), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_or_overlaps(page: Path, width: int, browser: Browser) -> None:
    assert browser.evaluate(page, width, PROBLEMS) == []
    for dark in (False, True):
        picture = browser.picture(page, width, dark)
        assert picture.stat().st_size > 10_000


@pytest.mark.slow
def test_the_script_finds_problems(tmp_path: Path, browser: Browser) -> None:
    """So that an empty list means something."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<body style='margin:0'><div style='width:500px'>wide</div>"
        "<p style='width:50px;overflow:hidden;white-space:nowrap'>a long line of text</p>"
        "<svg class=axes viewBox='0 0 100 20'><text y=10>one</text><text x=3 y=10>two</text></svg>"
    )
    found = " ".join(browser.evaluate(path, 390, PROBLEMS))
    for problem in ("wider than 390", "beyond the page: <DIV", "cut: <P", "overlaps one: <text"):
        assert problem in found


@pytest.mark.slow
def test_it_is_printed_on_pages(page: Path, browser: Browser) -> None:
    pdf = browser.pdf(page).read_bytes()
    pages = [int(found) for found in re.findall(rb"/Type /Pages\s*/Count (\d+)", pdf)]
    assert pdf.startswith(b"%PDF")
    assert not pages or max(pages) >= 2

"""A report as one self-contained HTML page, without scripts.

Numbers are formatted by the modules of report/page and placed by the templates (templates/report).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import jinja2

from tinycomp.common import resources
from tinycomp.report.answers import answers, fits, verdict
from tinycomp.report.colors import hues
from tinycomp.report.numbers import cut_middle
from tinycomp.report.page.accuracy import accuracy
from tinycomp.report.page.graph import drawing, pieces
from tinycomp.report.page.layers import errors, flash, latency, share_rows
from tinycomp.report.page.memory import memory
from tinycomp.report.page.steps import steps
from tinycomp.report.record import Report

HTML_NAME = "report.html"
"""Name of the page in an output folder."""


@cache
def environment() -> jinja2.Environment:
    """Of the templates of pages."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda value: f"{value:.3f}%"
    environment.filters["cut"] = cut_middle
    return environment


def now() -> datetime:
    """The time, or that of SOURCE_DATE_EPOCH, which reproducible builds set."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed.isdigit() else datetime.now(UTC)


def html(report: Report, written: datetime | None = None) -> str:
    """The page; sections without data are omitted.

    Args:
        report: what is shown.
        written: the date on the last line, the only part of the page that another build of the same
            does not repeat; None: without that line.
    """
    colors = hues(report.layers)
    graph = drawing(report, colors)
    view = {
        "report": report,
        "hues": colors,
        "fits": fits(report),
        "verdict": verdict(report),
        "answers": list(answers(report)),
        "graph": pieces(graph) if graph else None,
        "accuracies": [accuracy(each, report.precision) for each in report.accuracies],
        "errors": errors(report),
        "steps": steps(report.steps),
        "shares": share_rows(report),
        "flash": flash(report),
        "memory": memory(report, colors),
        "latency": latency(report.latency, report.layers, report.stand_in)
        if report.latency
        else None,
        "written": written.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if written else None,
    }
    return environment().get_template("report.html.j2").render(view)

"""The documentation is complete: every page is in the site's navigation, and every link leads to a
page and a heading that exist.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from golden_files import GOLDEN, Golden

from tinycomp import __version__

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
OUTSIDE = sorted([*ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")])


def navigation(entries: Any) -> Iterator[str]:
    """The pages of a navigation, in order."""
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else navigation(value)


@cache
def text_of(page: Path) -> str:
    """A page without blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as Markdown's toc extension and GitHub both make them."""
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", title.lower()).strip() for title in titles)
    return {re.sub(r"[ -]+", "-", each) for each in words}


def links(page: Path) -> list[tuple[str, str]]:
    """Paths and anchors of its links within the project."""
    found = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#?([^)\s]*)\)", text_of(page))
    return [(path, anchor) for path, anchor in found]


def test_every_page_is_in_the_navigation_once() -> None:
    found = list(navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(found) == [page.relative_to(DOCS).as_posix() for page in PAGES]


@pytest.mark.parametrize(
    "page", [*PAGES, *OUTSIDE], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_site_links_only_within_itself(page: Path) -> None:
    for path, _ in links(page):
        assert DOCS in (page.parent / path).resolve().parents or not path, path


def test_every_command_has_its_help_on_the_page(golden: Golden) -> None:
    names = sorted({path.stem for path in (GOLDEN / "help").glob("*.txt")} - {"tinycomp"})
    texts = {name: (GOLDEN / "help" / f"{name}.txt").read_text("utf-8") for name in names}
    parts = [f"\n## {name}\n\n```\n{text.strip()}\n```\n" for name, text in texts.items()]
    page = "".join(["# Commands\n\nWhat `--help` prints.\n", *parts])
    assert golden.text("../../docs/commands.md", page) == page, "run pytest --update-golden"


def test_the_citation_names_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert citation["license"] in (ROOT / "pyproject.toml").read_text()
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    for package in ("mkdocs", "material", "mkdocstrings"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f'{package} is not installed: pip install "tinycomp[docs]"')
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    assert len(list(site.rglob("*.html"))) >= len(PAGES)
    assert "trainable" in (site / "api.html").read_text()
    loaded = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="https?://')
    assert [page.name for page in site.rglob("*.html") if loaded.search(page.read_text())] == []

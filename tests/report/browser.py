"""Chromium without a screen: pictures of a page, its PDF, and what a script finds in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)  # fmt: skip
_RESULT = "data-result"
_TALLEST = 16_000


@dataclass(frozen=True)
class Browser:
    """Chromium, with a folder for pictures."""

    pictures: Path
    """Where pictures are kept."""

    def run(self, page: Path, *options: str) -> str:
        """What it prints when it is started on a page with a profile of its own."""
        assert CHROMIUM is not None
        with tempfile.TemporaryDirectory(prefix="tinycomp-browser-") as profile:
            command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout

    def picture(self, page: Path, width: int, dark: bool = False) -> Path:
        """A screenshot, as tall as the page."""
        height = min(self.evaluate(page, width, "document.documentElement.scrollHeight"), _TALLEST)
        path = self.pictures / f"{page.stem}-{width}{'-dark' if dark else ''}.png"
        self.run(
            page, f"--window-size={width},{height}", f"--screenshot={path}",
            *(("--blink-settings=preferredColorScheme=0",) if dark else ()),
        )  # fmt: skip
        return path

    def pdf(self, page: Path) -> Path:
        """The page as it is printed."""
        path = self.pictures / f"{page.stem}.pdf"
        self.run(page, "--no-pdf-header-footer", f"--print-to-pdf={path}")
        return path

    def evaluate(self, page: Path, width: int, expression: str) -> Any:
        """The value of a JavaScript expression in a window of that width.

        The window's real width is at least 500, so the page is shown in a frame.
        """
        frame = page.with_name(f"{page.stem}-frame.html")
        script = (
            "const frame = document.querySelector('iframe');"
            "frame.onload = () => { const window = frame.contentWindow;"
            "const document = window.document;"
            f"self.document.body.setAttribute('{_RESULT}', JSON.stringify({expression})); }};"
        )
        frame.write_text(
            f'<body><iframe srcdoc="{html.escape(page.read_text("utf-8"))}" '
            f'style="border:0;width:{width}px;height:900px"></iframe><script>{script}</script>',
            "utf-8",
        )
        dom = self.run(frame, f"--window-size={max(width, 600)},1000", "--dump-dom")
        found = re.search(rf'{_RESULT}="([^"]*)"', dom)
        assert found is not None, "the script did not run to its end"
        return json.loads(html.unescape(found[1]))

"""Golden files: checked-in texts that must not change, unless rewritten on purpose.

`pytest --update-golden` rewrites them; git shows what changed.
"""

from __future__ import annotations

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


class Golden:
    """Compares texts with files below tests/golden, or rewrites the files."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def text(self, name: str, found: str) -> str:
        """The expected content of a file; with --update-golden, `found` is written to it first."""
        path = GOLDEN / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found, encoding="utf-8")
        assert path.is_file(), f"there is no {path}: run pytest --update-golden"
        return path.read_text(encoding="utf-8")

    def folder(self, name: str, found: dict[str, str]) -> dict[str, str]:
        """The same for a folder of texts, by relative names."""
        root = GOLDEN / name
        if self.update:
            for path in root.rglob("*"):
                if path.is_file() and str(path.relative_to(root)) not in found:
                    path.unlink()
            for file, text in found.items():
                self.text(f"{name}/{file}", text)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}

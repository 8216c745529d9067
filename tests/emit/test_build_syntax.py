"""User values in build files are not interpreted by make, shells or Markdown."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.emit.build_syntax import make_words, markdown, one_line

HOSTILE = (
    "$(shell touch made)",
    "`touch made`",
    "; touch made",
    "-DX=$$HOME",
    "a b",
    "'",
    '"',
    "# no comment",
    "back\\slash\\",
    "line\n\ttouch made",
    "$(MAKE) % * ~",
)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_makefile_passes_values_unchanged(tmp_path: Path) -> None:
    lines = [f"FLAGS = {make_words(HOSTILE)}", "all:", "\t@printf '%s\\n' $(FLAGS)", ""]
    (tmp_path / "Makefile").write_text("\n".join(lines))
    done = subprocess.run(["make", "-C", tmp_path, "--no-print-directory"], capture_output=True)
    assert done.stderr == b""
    assert done.stdout.decode().splitlines() == [one_line(value) for value in HOSTILE]
    assert not (tmp_path / "made").exists()


def test_ordinary_values_are_unchanged() -> None:
    flags = ("-mcpu=cortex-m4", "-Wl,--gc-sections", "-Tldscripts/elf32lriscv.xr", "build/kws.elf")
    assert make_words(flags) == " ".join(flags)
    assert markdown("kws_4_bit on Arm Cortex-M4 (QEMU)") == "kws_4_bit on Arm Cortex-M4 (QEMU)"


def test_markdown_is_escaped() -> None:
    assert markdown("<b>*a* [x](y)_\n# z") == r"\<b\>\*a\* \[x\](y)\_ \# z"

"""A report says what it was made of, and is the same whenever the same is built."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sample_reports import full

from tinycomp.data.dataset import Dataset
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.proof.provenance import provenance
from tinycomp.report.html import html, now
from tinycomp.target.boards import load_board

OPTIONS = BuildOptions(
    Preparation(Path("/home/me/m.keras"), Path("d.npz"), codebook_bits=4), "uno", Path("out"),
    force=True, planning=PlanOptions("ram", 900),
)  # fmt: skip


def samples(last: float = 1.0, labels: object = (0, 1)) -> Dataset:
    x = np.array([[0.5, last]], np.float32)
    return Dataset(x, np.array(labels), x, None)


def test_options_that_are_not_defaults() -> None:
    found = provenance(OPTIONS, load_board("uno"), None, "tinycomp build m.keras")
    assert found.options == {
        "model": "m.keras", "data": "d.npz", "codebook_bits": 4, "optimize": "ram",
        "ram_limit": 900,
    }  # fmt: skip
    assert found.command == "tinycomp build m.keras"
    assert found.data_sha256 is None
    assert found.versions["numpy"] == np.__version__


def test_the_hash_is_of_values_and_labels() -> None:
    board = load_board("host")
    found = [
        provenance(OPTIONS, board, data, None).data_sha256
        for data in (samples(), samples(), samples(2.0), samples(labels=("a", "b")))
    ]
    assert found[0] == found[1]
    assert len({*found}) == 3


def test_only_the_last_line_has_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert now() == datetime(1970, 1, 2, tzinfo=UTC)
    pages = [html(full(), date).splitlines() for date in (now(), datetime(2000, 1, 1, tzinfo=UTC))]
    changed = [one for one, other in zip(*pages, strict=True) if one != other]
    assert changed == [
        "<footer>Written 1970-01-02 00:00 UTC. All above is the same whenever the same is built."
        "</footer>"
    ]
    assert "<footer>" not in html(full())


def test_the_page_shows_it() -> None:
    text = html(full())
    for shown in ("tinycomp build everything.tflite", "cd" * 32, "arm-none-eabi-gcc 12.2.1"):
        assert shown in text
    made = full().provenance
    assert made is not None
    assert "not installed" in html(replace(full(), provenance=replace(made, compiler=None)))


def test_steps_of_a_recipe_are_words() -> None:
    steps = [{"technique": "prune", "sparsity": 0.5}, {"technique": "rate", "bits": 1.0}]
    page = html(replace(full(), compression={"training": {"epochs": 3}, "steps": steps}))
    text = re.sub("<[^>]*>", "", page[page.index('class="provenance"') :])
    assert (
        "training (epochs 3), steps (technique prune, sparsity 0.5), (technique rate, bits 1.0)"
    ) in text

"""Searches from beginning to end on a small model."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from searches import Files, run

from tinycomp.common.errors import OutputError, TinycompError
from tinycomp.common.locks import locked
from tinycomp.common.progress import Silent
from tinycomp.options.compress import CompressOptions
from tinycomp.options.search import Limits, SearchOptions
from tinycomp.recipe_search import worker
from tinycomp.recipe_search.halving import Finished
from tinycomp.recipe_search.results import Results
from tinycomp.recipe_search.search import search
from tinycomp.recipes.compression import compress_to
from tinycomp.report.record import StepRecord


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results") / "out"


@pytest.fixture(scope="module")
def searched(files: Files, output: Path) -> tuple[Results, list[Finished]]:
    return run(files.options(output, candidates=6))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def ignore(record: StepRecord) -> None:
    """Ignore the record."""


def test_all_candidates_are_reported_and_some_are_trained_for_longer(
    searched: tuple[Results, list[Finished]], output: Path
) -> None:
    found, told = searched
    assert [each.number for each in found.finished] == [each.number for each in told]
    epochs = [each.outcome.epochs for each in told]
    assert epochs.count(3) >= 2
    assert not list((output / "unfinished").iterdir())
    assert len(rows(output / "candidates.csv")) == len(told)
    assert {each["technique"] for each in rows(output / "sensitivity.csv")} == {
        "channels", "low_rank", "bits",
    }  # fmt: skip


def test_the_front_is_a_table_a_csv_file_and_a_plot(
    searched: tuple[Results, list[Finished]], output: Path
) -> None:
    found, _ = searched
    front = rows(output / "front.csv")
    assert [int(each["candidate"]) for each in front] == [each.number for each in found.front]
    for one in found.front:
        for other in found.finished:
            better = [getattr(other.outcome, name) <= getattr(one.outcome, name)
                      for name in ("flash", "ram", "instructions")]  # fmt: skip
            same = other.outcome.cost("flash") == one.outcome.cost("flash")
            assert not (all(better) and other.outcome.score >= one.outcome.score and not same)
    page = (output / "report.html").read_text()
    assert page.count("<svg") == 3
    assert page.count('class="best"') == 3 * len(front)
    assert page.count("<circle") == 3 * len(found.finished)
    assert all(f'href="{each["recipe"]}"' in page for each in front)


@pytest.mark.slow
def test_each_point_of_the_front_is_reproduced_bit_for_bit(
    searched: tuple[Results, list[Finished]], output: Path, files: Files, tmp_path: Path
) -> None:
    found, _ = searched
    assert found.front
    for each in rows(output / "front.csv"):
        small = tmp_path / f"{each['candidate']}.tflite"
        recipe = output / each["recipe"]
        options = CompressOptions(files.model, files.data, recipe=str(recipe), board="host")
        compressed = compress_to(options, small, False, Silent(), ignore)
        assert hashlib.sha256(small.read_bytes()).hexdigest() == each["sha256"]
        kept = output / "models" / f"{each['candidate']}.tflite"
        assert kept.read_bytes() == small.read_bytes()
        assert compressed.small is not None
        assert compressed.small.value == float(each["test"])
        assert compressed.steps[-1].score == float(each["score"])
        assert compressed.steps[-1].constants == int(each["constants"])
        assert compressed.steps[-1].instructions == float(each["instructions"])


@pytest.mark.slow
def test_a_stopped_search_resumes(files: Files, tmp_path: Path) -> None:
    options = files.options(tmp_path / "out", candidates=2, epochs=1)
    told: list[Finished] = []

    def stop(found: Finished) -> None:
        told.append(found)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(options, Silent(), stop)
    first = (tmp_path / "out" / "models" / "0.tflite").stat().st_mtime_ns
    found, later = run(options)
    assert [each.number for each in (*told, *later)] == [each.number for each in found.finished]
    assert (tmp_path / "out" / "models" / "0.tflite").stat().st_mtime_ns == first
    again, nothing = run(options)
    assert nothing == []
    assert again.finished == found.finished
    more, new = run(replace(options, plan=replace(options.plan, candidates=4)))
    assert len(new) + len(found.finished) == len(more.finished)
    assert new


def test_an_interrupted_candidate_is_trained_again(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = files.options(tmp_path / "out", candidates=1, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "save", lambda path, content: stop_here())
        with pytest.raises(OutputError, match="No room"):
            run(options)
    assert not (tmp_path / "out" / "models").exists()
    found, _ = run(options)
    assert len(found.finished) == 1
    assert (tmp_path / "out" / "front.csv").exists()


def stop_here() -> None:
    raise OutputError("No room.")


def refusal(options: SearchOptions) -> str:
    with pytest.raises(TinycompError) as caught:
        run(options)
    return str(caught.value)


def test_a_study_of_another_search_is_refused(
    searched: tuple[Results, list[Finished]], output: Path, files: Files, tmp_path: Path
) -> None:
    """By the folder, and by the study if it is in another folder."""
    study = f"sqlite:///{output / 'study.db'}"
    other = files.folder / "other.keras"
    before = (output / "candidates.csv").read_bytes()
    for place in ({"output": output}, {"output": tmp_path / "new", "storage": study}):
        assert "started with another model: model (" in refusal(files.options(model=other, **place))
        data = files.folder / "other.npz"
        assert "started with another data: data.npz (" in refusal(files.options(data=data, **place))
        assert "started with another board: host" in refusal(
            files.options(board="cortex-m4", **place)
        )
        limited = files.options(limits=Limits(flash=9000), **place)
        assert "started with another goal" in refusal(limited)
        assert "started with another training" in refusal(files.options(epochs=9, **place))
    assert (output / "candidates.csv").read_bytes() == before


def test_impossible_limits_are_refused_before_training(files: Files, tmp_path: Path) -> None:
    said = refusal(files.options(tmp_path / "out", limits=Limits(flash=200)))
    assert said.startswith("--max-flash 200 is not possible: the narrowest candidate takes about ")
    assert "bytes of flash without its weights on host" in said
    said = refusal(files.options(tmp_path / "ram", limits=Limits(ram=10)))
    assert said.startswith("--max-ram 10 is not possible")
    assert not (tmp_path / "out" / "models").exists()


def test_an_accuracy_limit_for_regression_is_refused(files: Files, tmp_path: Path) -> None:
    with np.load(files.data) as archive:
        drawn = np.random.default_rng(0).normal(0, 1, (300, 2)).astype(np.float32)
        arrays = {**archive, "y_train": drawn, "y_test": drawn[:100]}
    np.savez(tmp_path / "numbers.npz", **arrays)
    options = files.options(
        tmp_path / "out", data=tmp_path / "numbers.npz", limits=Limits(accuracy=0.9)
    )
    assert "--min-accuracy 0.9 is only for classifiers" in refusal(options)


def test_limits_that_no_candidate_meets_are_an_error_and_results_are_kept(
    files: Files, tmp_path: Path
) -> None:
    limits = Limits(accuracy=1.0)
    said = refusal(files.options(tmp_path / "out", candidates=2, epochs=1, limits=limits))
    assert "None of 2 candidates meets the limits; the closest is " in said
    assert "an accuracy of at least 100.00%" in said
    assert len(rows(tmp_path / "out" / "candidates.csv")) == 2
    assert rows(tmp_path / "out" / "front.csv") == []
    assert "No candidate meets" in (tmp_path / "out" / "report.html").read_text()


def test_foreign_folders_are_refused(files: Files, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    assert "has files that are not of a search" in refusal(files.options(tmp_path / "full"))
    (tmp_path / "file").write_text("")
    assert "is a file" in refusal(files.options(tmp_path / "file"))
    (tmp_path / "busy").mkdir()
    with locked(tmp_path / "busy" / ".tinycomp-search-lock"):
        assert "Another search is running in" in refusal(files.options(tmp_path / "busy"))
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["letter.txt"]


def test_storages_that_cannot_be_used(files: Files, tmp_path: Path) -> None:
    def said(url: str) -> str:
        return refusal(files.options(tmp_path / "out", storage=url))

    assert "is not a database URL" in said("nothing")
    assert "The driver of 'mysql+pymysql://me:***@host/x'" in said("mysql+pymysql://me:pw@host/x")
    closed = "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    assert "me:***@127.0.0.1:1/x' can't be read or written" in said(closed)
    assert "secret" not in said(closed)
    (tmp_path / "damaged.db").write_bytes(b"no database" * 100)
    assert "can't be read or written: file is not a database" in said(
        f"sqlite:///{tmp_path / 'damaged.db'}"
    )

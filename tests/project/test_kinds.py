"""A kind of project is added by new files only: a module, templates, a table in the board file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_project import content

import tinycomp.emit.projects
import tinycomp.target.project_tables
from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.emit import render
from tinycomp.emit.project import lay_out, project_paths
from tinycomp.emit.projects._registry import project_kinds
from tinycomp.target import boards
from tinycomp.target.boards import list_boards, load_board
from tinycomp.target.project_tables._registry import project_tables

KIND = """
from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths, Recipe

class Component(ProjectKind):
    templates = {"CMakeLists.txt": "component/CMakeLists.txt.j2"}
    editable = frozenset(templates)

    def paths(self, prefix):
        return ProjectPaths("model", "serial", "serial")

    def recipe(self, board, project, prefix):
        program = {"elf": project / "build" / "serial.elf"}
        return Recipe(("idf.py",), "Install ESP-IDF.", ("build",), program)
"""
TABLE = """
from tinycomp.target.section import Section

class Component(Section):
    chip: str
"""
BOARD = """
title = "Mine"
cpu = "cortex-m4"
port = "qemu/cortex_m/cmsdk/mps2/an385"
project = "component"
[memory]
flash = 100_000
ram = 10_000
[compiler]
prefix = "arm-none-eabi-"
packages = ["gcc-arm-none-eabi"]
"""
CACHES = (
    project_kinds, project_tables, boards._known, boards._board_model, render._environment,
)  # fmt: skip


@pytest.fixture
def component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new kind of project, and a board file that uses it."""
    kinds, tables, templates = tmp_path / "kinds", tmp_path / "tables", tmp_path / "templates"
    for folder, text in ((kinds, KIND), (tables, TABLE)):
        folder.mkdir()
        (folder / "component.py").write_text(text)
    shutil.copytree(resources.templates(), templates)
    (templates / "projects" / "component").mkdir()
    (templates / "projects" / "component" / "CMakeLists.txt.j2").write_text(
        "set(CHIP {{ settings.chip }})\nadd_library({{ prefix }})\n"
    )
    for package, folder in ((tinycomp.emit.projects, kinds),
                            (tinycomp.target.project_tables, tables)):  # fmt: skip
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.setattr(resources, "templates", lambda: templates)
    _forget()
    (tmp_path / "mine.toml").write_text(BOARD)
    yield tmp_path / "mine.toml"
    _forget()


def _forget() -> None:
    for cached in CACHES:
        cached.cache_clear()


def test_a_new_kind_needs_new_files_only(component: Path) -> None:
    component.write_text(BOARD + '[component]\nchip = "esp32s3"\n')
    board = load_board(str(component))
    files = lay_out(board, content())
    assert files["CMakeLists.txt"] == "set(CHIP esp32s3)\nadd_library(tiny)\n"
    assert {"model/tiny.c", "serial/server.c", "serial/startup.c"} <= files.keys()
    assert "serial/main.c" not in files


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "project = 'component' needs a table [component] with chip."),
        ("[component]\n", "key 'component.chip' is missing."),
        ('[component]\nchp = "x"\n', "key 'component.chp' is not known. Did you mean 'chip'?"),
        ("[component]\nchip = 1\n", "key 'component.chip' should be text in quotes"),
    ],
)
def test_its_table_is_checked(component: Path, table: str, problem: str) -> None:
    component.write_text(BOARD + table)
    with pytest.raises(BoardError) as caught:
        load_board(str(component))
    assert problem in str(caught.value)


def test_every_kind_has_a_module_and_templates() -> None:
    assert tuple(project_kinds()) == resources.project_kinds()
    assert project_tables().keys() <= project_kinds().keys()


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_files_named_by_a_kind_are_in_its_projects(board: boards.Board) -> None:
    kind = project_kinds()[board.project]
    files = lay_out(board, content())
    assert kind.editable <= files.keys() | kind.further(load_board("esp32"), "tiny").keys()
    assert kind.sample is None or kind.sample in kind.editable
    library = project_paths(board, "tiny").library
    assert not any(name.startswith(f"{library}/") for name in kind.editable)

"""Output folders are written completely or not at all, and the user's files are never changed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from tinycomp.common.errors import OutputError
from tinycomp.common.locks import locked
from tinycomp.emit import folder
from tinycomp.emit.folder import MANIFEST, add_files, read_manifest, write_folder

FILES = {"kws.c": "int x;\n", "tinycomp/a.h": "/* a */\n", "model.tflite": b"\x00\xff"}


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_folder(tmp_path / "out", FILES)
    return tmp_path / "out"


def test_a_new_folder_has_all_files_and_leaves_none_beside_it(tmp_path):
    folder = tmp_path / "deep" / "out"
    write_folder(folder, FILES)
    assert contents(folder) == {
        "kws.c": b"int x;\n", "tinycomp/a.h": b"/* a */\n", "model.tflite": b"\x00\xff",
    }  # fmt: skip
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_a_new_folder_has_the_usual_permissions(out, tmp_path):
    usual = tmp_path / "usual"
    usual.mkdir()
    assert out.stat().st_mode == usual.stat().st_mode


def test_equal_files_make_equal_manifests(out, tmp_path):
    write_folder(tmp_path / "again", dict(reversed(FILES.items())))
    assert (out / MANIFEST).read_bytes() == (tmp_path / "again" / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    ("make", "said"),
    [(Path.mkdir, r"out exists\. Name another folder, or use --force"),
     (Path.touch, r"out is a file\. Name another folder")],
)  # fmt: skip
def test_an_existing_path_is_refused(tmp_path, make, said):
    make(tmp_path / "out")
    with pytest.raises(OutputError, match=said):
        write_folder(tmp_path / "out", FILES)


def test_a_file_is_not_replaced_by_a_folder_even_with_force(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        write_folder(tmp_path / "out", FILES, force=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_force_replaces_removes_and_keeps(out):
    (out / "notes.txt").write_text("mine")
    (out / "build").mkdir()
    (out / "build" / "x.o").write_text("object")
    write_folder(out, {"kws.c": "int y;\n", "new/b.h": "b"}, force=True)
    assert contents(out) == {
        "kws.c": b"int y;\n", "new/b.h": b"b", "notes.txt": b"mine", "build/x.o": b"object",
    }  # fmt: skip
    assert not (out / "tinycomp").exists()
    assert set(read_manifest(out)) == {"kws.c", "new/b.h"}


def test_force_refuses_files_that_were_changed(out):
    (out / "kws.c").write_text("int mine;\n")
    before = contents(out)
    with pytest.raises(OutputError, match=r"not as tinycomp wrote them: kws\.c\."):
        write_folder(out, FILES, force=True)
    assert contents(out) == before


def test_an_editable_file_is_kept_once_edited(out):
    (out / "kws.c").write_text("int mine;\n")
    before = read_manifest(out)
    new = {**FILES, "kws.c": "int y;\n", "tinycomp/a.h": "/* b */\n"}
    assert write_folder(out, new, force=True, editable={"kws.c", "model.tflite"}) == ("kws.c",)
    assert contents(out)["kws.c"] == b"int mine;\n"
    assert contents(out)["tinycomp/a.h"] == b"/* b */\n"
    assert read_manifest(out)["kws.c"] == before["kws.c"]
    (out / "kws.c").write_text(FILES["kws.c"])  # as tinycomp wrote it: no longer the user's
    assert write_folder(out, new, force=True, editable={"kws.c"}) == ()
    assert contents(out)["kws.c"] == b"int y;\n"


def test_an_editable_file_is_rewritten_if_removed(out):
    (out / "kws.c").unlink()
    assert write_folder(out, FILES, force=True, editable={"kws.c"}) == ()
    assert contents(out)["kws.c"] == b"int x;\n"


def test_an_edited_file_with_the_new_content_is_accepted(out):
    (out / "kws.c").write_text("int y;\n")
    write_folder(out, {**FILES, "kws.c": "int y;\n"}, force=True)
    assert read_manifest(out)["kws.c"] == hashlib.sha256(b"int y;\n").hexdigest()


def test_files_outside_of_the_scope_are_kept(out):
    (out / "kws.c").write_text("int mine;\n")
    write_folder(out, {"tinycomp/b.h": "b"}, force=True, scope=lambda name: "/" in name)
    assert contents(out) == {
        "kws.c": b"int mine;\n", "tinycomp/b.h": b"b", "model.tflite": b"\x00\xff",
    }  # fmt: skip
    assert set(read_manifest(out)) == {"kws.c", "tinycomp/b.h", "model.tflite"}


def test_unchanged_files_are_not_touched(out):
    before = (out / "kws.c").stat()
    write_folder(out, {**FILES, "tinycomp/a.h": "other"}, force=True)
    after = (out / "kws.c").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is exchanged by renameat2")
def test_the_folder_keeps_its_inode(out):
    before = out.stat().st_ino
    write_folder(out, {"kws.c": "int y;\n"}, force=True)
    assert out.stat().st_ino == before


def test_a_linked_folder_is_written(out, tmp_path):
    (tmp_path / "link").symlink_to("out", target_is_directory=True)
    write_folder(tmp_path / "link", {"kws.c": "int y;\n"}, force=True)
    assert contents(out) == {"kws.c": b"int y;\n"}
    assert (tmp_path / "link").is_symlink()


def test_links_inside_the_folder_are_kept(out, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (out / "tinycomp").rename(tmp_path / "elsewhere" / "headers")
    (out / "tinycomp").symlink_to(tmp_path / "elsewhere" / "headers")
    (out / "data").symlink_to("../elsewhere")
    write_folder(out, {**FILES, "tinycomp/a.h": "new"}, force=True)
    assert (tmp_path / "elsewhere" / "headers" / "a.h").read_text() == "new"
    assert (out / "data" / "headers" / "a.h").read_text() == "new"


def test_a_folder_with_the_longest_possible_name(tmp_path):
    folder = tmp_path / ("ä" * 127)
    write_folder(folder, FILES)
    write_folder(folder, {"kws.c": "int y;\n"}, force=True)
    assert contents(folder) == {"kws.c": b"int y;\n"}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_folder_locked_by_another_process_is_refused_after_a_timeout(out, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LOCK_SECONDS", 0.0)
    with (
        locked(tmp_path / ".out.tinycomp-lock"),
        pytest.raises(OutputError, match=r"is being written by another process\. Wait until"),
    ):
        write_folder(out, FILES, force=True)
    write_folder(out, FILES, force=True)


def test_a_folder_without_hard_links_is_written_file_by_file(out, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (out / "notes.txt").write_text("mine")
    write_folder(out, {"kws.c": "int y;\n"}, force=True)
    assert contents(out) == {"kws.c": b"int y;\n", "notes.txt": b"mine"}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_in_a_read_only_parent(out, tmp_path):
    tmp_path.chmod(0o555)
    try:
        write_folder(out, {"kws.c": "int y;\n"}, force=True)
        assert contents(out) == {"kws.c": b"int y;\n"}
    finally:
        tmp_path.chmod(0o755)


def test_force_refuses_foreign_files(tmp_path):
    (tmp_path / "kws.c").write_text("int mine;\n")
    with pytest.raises(OutputError, match=r"kws\.c\. Nothing was written"):
        write_folder(tmp_path, FILES, force=True)
    assert contents(tmp_path) == {"kws.c": b"int mine;\n"}


def test_a_changed_file_that_is_no_longer_written_is_kept(out):
    (out / "kws.c").write_text("int mine;\n")
    write_folder(out, {"other.c": "o"}, force=True)
    assert contents(out) == {"kws.c": b"int mine;\n", "other.c": b"o"}
    assert set(read_manifest(out)) == {"other.c"}


def test_added_files_join_the_manifest(out):
    add_files(out, {"report.json": "{}"})
    add_files(out, {"report.json": '{"a": 1}'})
    assert set(read_manifest(out)) == {*FILES, "report.json"}
    assert (out / "report.json").read_text() == '{"a": 1}'
    assert (out / "kws.c").read_text() == "int x;\n"


def test_an_error_in_the_middle_is_rolled_back(out):
    (out / "z").write_text("a file where a folder must be")
    before = contents(out)
    manifest = (out / MANIFEST).read_bytes()
    with pytest.raises(OutputError, match="can't be written"):
        write_folder(out, {"kws.c": "int y;\n", "z/b.h": "b"}, force=True)
    assert contents(out) == before
    assert (out / MANIFEST).read_bytes() == manifest


def test_an_error_in_a_new_folder_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="Nothing was changed"):
        write_folder(tmp_path / "out", {"a": "a file", "a/b": "and a folder"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {"../../etc/passwd": "0"}}'])
def test_a_damaged_manifest_is_refused(out, text):
    (out / MANIFEST).write_text(text)
    with pytest.raises(OutputError, match=r"manifest .* is damaged"):
        write_folder(out, FILES, force=True)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "./x", MANIFEST])
def test_names_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="not the name of a file inside"):
        write_folder(tmp_path / "out", {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_names_files_and_hashes(out):
    files = json.loads((out / MANIFEST).read_text())["files"]
    assert list(files) == sorted(FILES)
    assert files["model.tflite"] == (  # sha256sum of the bytes 00 ff
        "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8"
    )

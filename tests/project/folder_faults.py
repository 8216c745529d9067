"""Runs writers of a folder in separate processes: killed at each step, or many at once.

`folder_faults.py kill FOLDER MODE STRIDE` forks a writer for each (or each STRIDE-th) step that
accesses the file system, kills it there, and prints the state of the folder and its parent, one
JSON object per line. With `meddle` instead of `kill`, the user saves files at that step.
`folder_faults.py race FOLDER WRITERS ROUNDS` runs many writers on one folder at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tinycomp.common.errors import OutputError
from tinycomp.emit import exchange, folder
from tinycomp.emit.folder import MANIFEST, read_manifest, write_folder
from tinycomp.emit.manifest import digest

STEPS = ("open", "os.", "shutil.", "ctypes.")
"""Audit events raised before file system accesses."""
OLD = {"kws.c": "int old;\n", "lib/a.h": "old a", "lib/gone/b.h": "old b", "Makefile": "all: old\n"}
NEW = {"kws.c": "int new;\n", "lib/a.h": "new a", "lib/more/c.h": "new c", "Makefile": "all: new\n"}
USERS = {"notes.txt": "mine", "build/kws.o": "object", ".git/deep/x": "x"}


def version(number: int) -> dict[str, str]:
    """Files that contain the number of their writer, some of which only this writer writes."""
    files = {name: f"{number} {name}" for name in ("kws.c", "lib/a.h", "lib/b.h")}
    return files | {f"only/{number % 3}.h": f"{number} only"}


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def set_up(target: Path) -> None:
    """An old build that also has files of the user."""
    for path in target.parent.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_folder(target, OLD)
    for name, text in USERS.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)


def in_child(
    work: Callable[[], None], at: int | None = None, then: Callable[[], None] = lambda: None
) -> int:
    """Fork, do the work, and something else before step `number`. Returns the child's exit code,
    negative for a signal, 100 if there are fewer steps.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [at]

    def watch(event: str, _: object) -> None:
        if event.startswith(STEPS) and left[0] is not None:
            left[0] -= 1
            if left[0] == -1:
                left[0] = None
                then()

    try:
        sys.addaudithook(watch)
        work()
        os._exit(0 if left[0] is None else 100)
    except OutputError as error:
        print(error, file=sys.stderr)
        os._exit(3)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def meddle(target: Path) -> None:
    """Save a file like an editor, and create one like a compiler."""
    (target.parent / "saved").write_text("mine, saved again")
    (target.parent / "saved").replace(target / "notes.txt")
    (target / "build").mkdir(exist_ok=True)
    (target / "build" / "new.o").write_text("new object")


def each_step(target: Path, mode: str, stride: int, then: Callable[[], None]) -> None:
    if mode == "renames":  # as where the system can't exchange two folders at once
        exchange._swapped = lambda one, other: False
    if mode == "in place":
        folder.exchange = _no_exchange
    step, code = 0, 0
    while code != 100:
        set_up(target)
        if mode == "fresh":
            shutil.rmtree(target)
        code = in_child(lambda: _write(target, NEW), step, then)
        after = contents(target) if target.is_dir() else None
        again = in_child(lambda: _write(target, OLD))
        print(
            json.dumps({"step": step, "code": code, "after": after, "again": again, **end(target)})
        )
        step += stride


def _write(target: Path, files: dict[str, str]) -> None:
    write_folder(target, files, force=True)


def _no_exchange(*_: object) -> None:
    raise OSError("no exchange here")


def end(target: Path) -> dict[str, object]:
    """The files, other entries of the parent folder, and whether the manifest is right."""
    known = read_manifest(target)
    return {
        "final": contents(target),
        "beside": sorted(path.name for path in target.parent.iterdir()),
        "intact": all(digest((target / name).read_bytes()) == known[name] for name in known),
    }


def race(target: Path, writers: int, rounds: int) -> None:
    """Let each writer write its own versions."""
    set_up(target)
    children = []
    for number in range(writers):
        child = os.fork()
        if child:
            children.append(child)
            continue
        try:
            for turn in range(rounds):
                write_folder(target, version(number * rounds + turn), force=True)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps({"codes": codes, **end(target)}))


if __name__ == "__main__":
    command, place, *rest = sys.argv[1:]
    if command == "kill":
        each_step(Path(place), rest[0], int(rest[1]), die)
    elif command == "meddle":
        each_step(Path(place), rest[0], int(rest[1]), lambda: meddle(Path(place)))
    else:
        race(Path(place), *map(int, rest))

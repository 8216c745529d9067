"""Runs tinycomp as it runs on Windows, as far as another system can: a program for a process of its
own. Modules that Windows lacks can't be imported, `sys.platform` is win32, and msvcrt locks files.

What others wrote is imported before: it belongs to this system.
"""

import importlib
import sys
import types

OTHERS = (
    "numpy", "pydantic.fields", "pydantic_core", "typer._adapters", "rich.console",
    "rich.progress", "rich.markup", "jinja2", "h5py", "serial", "serial.tools.list_ports",
    "elftools.elf.elffile", "flatbuffers",
    "ai_edge_litert.interpreter", "ai_edge_litert.schema_py_generated", "subprocess", "tempfile",
    "shutil", "concurrent.futures.thread", "multiprocessing.connection", "numpy.ma", "platform",
)  # fmt: skip
ABSENT = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"}


class Absent:
    """Finds that Windows lacks a module."""

    def find_spec(self, name, path=None, target=None):
        """Refuse it."""
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main():
    """Run the command line."""
    for name in OTHERS:
        importlib.import_module(name)
    for name in ABSENT:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Absent())
    locks = types.ModuleType("msvcrt")
    locks.LK_NBLCK, locks.locking = 2, lambda descriptor, mode, count: None
    sys.modules["msvcrt"] = locks
    sys.platform = "win32"
    from tinycomp.cli.main import main as command_line

    command_line()


main()

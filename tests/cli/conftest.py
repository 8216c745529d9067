"""Fixtures for the command line tests."""

from command_line import built, built_once, elsewhere, emulated, emulated_once, folder, refusal, run

__all__ = [
    "built",
    "built_once",
    "elsewhere",
    "emulated",
    "emulated_once",
    "folder",
    "refusal",
    "run",
]

#!/usr/bin/env python3
"""In place of ESP-IDF's: builds a project with the stand-in for its CMake files, and runs it."""

import subprocess
import sys
from pathlib import Path

match sys.argv[1:]:
    case ["set-target", target]:
        readme = Path("README.md")
        assert not readme.exists() or f"idf.py set-target {target}" in readme.read_text()
    case ["build"]:
        subprocess.run(["cmake", "-S", ".", "-B", "build"], check=True)
        subprocess.run(["cmake", "--build", "build"], check=True)
        subprocess.run(["build/program"], stdin=subprocess.DEVNULL, check=True)
    case other:
        sys.exit(f"unknown: {other}")

"""Starts the runner of MLPerf Tiny, as it is published, on a port that is named.

    python start.py RUNNER --port PORT --mode a
    python start.py RUNNER --port PORT --mode p

RUNNER is the folder benchmark/runner of github.com/mlcommons/tiny. The runner looks for USB ids of
devices.yaml; this program lists the named port under the first of them, so that pseudo-terminals
and boards behind a USB to serial chip are found too. On Linux and macOS it also keeps the port open
while the runner closes and opens it, so that a board which resets then is reset only once, and
waits until it answers.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import runpy
import sys
import time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "numpy": "numpy", "sklearn": "scikit-learn", "matplotlib": "matplotlib", "yaml": "pyyaml",
    "serial": "pyserial",
}  # fmt: skip
MODES = {"a": "accuracy", "p": "performance"}
BOOT_SECONDS = 20.0


def main() -> None:
    """Run the program; the command line is in its first lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", type=Path, help="benchmark/runner of github.com/mlcommons/tiny")
    parser.add_argument("-p", "--port", required=True, help="the board's serial port")
    parser.add_argument("-m", "--mode", choices=MODES, required=True, help="accuracy, performance")
    options = parser.parse_args()
    if not (options.runner / "main.py").is_file():
        sys.exit(f"{options.runner} has no main.py: name benchmark/runner of mlcommons/tiny.")
    missing = [name for module, name in PACKAGES.items() if not importlib.util.find_spec(module)]
    if missing:
        sys.exit(f"The runner needs: pip install {' '.join(missing)}")
    with holding(options.port):
        list_port(os.path.realpath(options.port))
        without_usb()
        run(options.runner.resolve(), options.mode)


@contextlib.contextmanager
def holding(port):
    """Keep the port open, once the board answers."""
    import serial

    try:
        line = serial.Serial(port, baud(), timeout=0.5)
    except OSError as error:
        sys.exit(f"{port} can't be opened: {error}")
    end = time.monotonic() + BOOT_SECONDS
    answer = b""
    while b"m-ready" not in answer.split(b"m-name-dut-")[-1] or b"m-name-dut-" not in answer:
        if time.monotonic() > end:
            sys.exit(f"{port} did not answer 'name' within {BOOT_SECONDS:g} s.")
        line.write(b"%name%")
        time.sleep(0.2)
        answer = answer[-1000:] + line.read(1000)
    time.sleep(0.5)
    line.reset_input_buffer()
    if os.name == "nt":
        line.close()  # no other program may open it there
    yield
    line.close()


def devices():
    """What devices.yaml says."""
    import yaml

    return yaml.safe_load((HERE / "devices.yaml").read_text(encoding="utf-8"))


def baud():
    """The rate of the board's port."""
    return devices()[0]["baud"]["accuracy"]


def list_port(port):
    """Let the runner see the named port alone, under the first USB id of devices.yaml."""
    from serial.tools import list_ports, list_ports_common

    (vendor, products), *_ = devices()[0]["usb"].items()
    found = list_ports_common.ListPortInfo(port)
    found.vid, found.pid, found.description = vendor, products[0], "named by start.py"
    list_ports.comports = lambda include_links=False: [found]


def without_usb():
    """Power analyzers are looked for by pyusb, which these modes do not need."""
    try:
        import usb.core

        usb.core.find(find_all=True)
    except Exception:  # not installed, or without libusb
        usb, core = ModuleType("usb"), ModuleType("usb.core")
        core.find = lambda **_: ()
        usb.core = core
        sys.modules |= {"usb": usb, "usb.core": core}


def run(runner, mode):
    """Run main.py as its own command line does."""
    script = HERE / f"tests_{MODES[mode]}.yaml"
    sys.path.insert(0, str(runner))
    sys.argv = [
        "main.py", "-d", str(HERE / "devices.yaml"), "-t", str(script),
        "-s", str(HERE / "datasets"), "-m", mode,
    ]  # fmt: skip
    runpy.run_path(str(runner / "main.py"), run_name="__main__")


if __name__ == "__main__":
    main()

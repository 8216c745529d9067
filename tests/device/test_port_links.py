"""Links to ports: one server at a time, and none of a server that was killed is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinycomp.common.errors import DeviceError, OutputError
from tinycomp.device.link import Link
from tinycomp.device.port_links import linked, refuse_taken

KEEPER = """
import sys
from pathlib import Path
from tinycomp.device.port_links import linked
with linked(Path(sys.argv[1]), sys.argv[2]):
    print("kept", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def terminal() -> str:
    """A terminal that belongs to no server."""
    control, line = os.openpty()
    yield os.ttyname(line)
    os.close(control)
    os.close(line)


def keeper(link: Path, port: str) -> subprocess.Popen[str]:
    """A process that keeps a link."""
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(link), port],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "kept\n"
    return process


def test_a_link_of_a_killed_server_is_not_opened_but_replaced(
    tmp_path: Path, terminal: str
) -> None:
    """Its terminal may be another program's by now: its settings must stay."""
    link = tmp_path / "dut.tty"
    process = keeper(link, terminal)
    process.kill()
    process.communicate()
    assert link.exists()
    with pytest.raises(DeviceError, match="is the link of a 'tinycomp serve' that has ended"):
        Link(str(link))
    refuse_taken(link)
    with linked(link, terminal):
        Link(str(link)).close()
    assert list(tmp_path.iterdir()) == []


def test_two_servers_do_not_share_a_link(tmp_path: Path, terminal: str) -> None:
    link = tmp_path / "dut.tty"
    process = keeper(link, "/dev/null")
    with pytest.raises(OutputError, match=r"Another 'tinycomp serve' keeps '.*dut\.tty'\."):
        refuse_taken(link)
    with pytest.raises(OutputError, match="Another"), linked(link, terminal):
        pass
    assert str(link.readlink()) == "/dev/null"
    process.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_a_link_of_the_user_s_own_stays(tmp_path: Path, terminal: str) -> None:
    link = tmp_path / "dut.tty"
    link.symlink_to(terminal)
    with pytest.raises(OutputError, match=r"dut\.tty' exists\."):
        refuse_taken(link)
    Link(str(link)).close()


def test_a_port_has_one_client(terminal: str) -> None:
    with Link(terminal), pytest.raises(DeviceError, match="is used by another program"):
        Link(terminal)
    Link(terminal).close()

"""A study that two workers share in PostgreSQL, of whom one is killed."""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from searches import Files

CANDIDATES = 6


def program(name: str) -> str | None:
    """Debian keeps the server's programs out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, folders)]))


needs_postgresql = pytest.mark.skipif(
    program("initdb") is None, reason="PostgreSQL's server is missing (apt install postgresql)"
)


def as_server(*command: str) -> None:
    """Run a program of the server, which refuses to work as root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(
        command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=120
    )  # fmt: skip


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a server on a socket of its own."""
    folder = Path(tempfile.mkdtemp(prefix="tinycomp-postgresql-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    initdb, control = program("initdb"), program("pg_ctl")
    assert initdb is not None
    assert control is not None
    data = str(folder / "data")
    try:
        as_server(initdb, "--auth=trust", "--username=postgres", "--no-sync", data)
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        log = str(folder / "log")
        as_server(control, "start", "--wait", f"--pgdata={data}", f"--log={log}", "-o", options)
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            as_server(control, "stop", "--mode=immediate", f"--pgdata={data}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(files: Files, url: str, output: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "tinycomp", "search", str(files.model), "--data", str(files.data),
        "--board", "host", "--candidates", str(CANDIDATES), "--epochs", "6", "--storage", url,
        "-o", str(output),
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@needs_postgresql
def test_what_a_killed_worker_was_at_is_done_by_the_other(
    files: Files, database: str, tmp_path: Path
) -> None:
    import psycopg

    lost, other = (start(files, database, tmp_path / name) for name in ("lost", "other"))
    try:
        end = time.monotonic() + 240
        while not list((tmp_path / "lost").glob("unfinished/*/*")) and time.monotonic() < end:
            assert lost.poll() is None, lost.communicate()
            time.sleep(0.01)
        lost.send_signal(signal.SIGKILL)
        assert lost.wait() == -signal.SIGKILL
        trained = {int(path.name) for path in (tmp_path / "lost" / "unfinished").iterdir()}
        assert len(trained) == 1
        _, said = other.communicate(timeout=400)
        assert other.returncode == 0, said
    finally:
        for each in (lost, other):
            each.kill()
            each.communicate()
    with (tmp_path / "other" / "candidates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    done = {int(row["candidate"]): row for row in rows}
    assert not trained & done.keys()  # it was begun again under another number
    assert all((tmp_path / "other" / row["recipe"]).is_file() for row in rows)
    with psycopg.connect(database.replace("postgresql+psycopg", "postgresql")) as connection:
        states = dict(connection.execute("SELECT number, state FROM trials").fetchall())
        again = connection.execute(
            "SELECT count(*) FROM trial_system_attributes "
            "WHERE key = 'failed_trial' AND value_json = %s",
            [str(min(trained))],
        ).fetchone()
    assert set(states.values()) == {"COMPLETE", "FAIL"}
    assert [number for number, state in states.items() if state == "FAIL"] == sorted(trained)
    assert again == (1,)
    assert len([row for row in rows if int(row["epochs"]) <= 2]) >= CANDIDATES - 1

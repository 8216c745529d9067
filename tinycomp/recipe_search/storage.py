"""Storage of a study: a database that several processes and machines can share.

Each worker sends a heartbeat every few seconds. A candidate without heartbeats is reassigned to
another worker.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycomp.common.errors import OutputError, TinycompError, ToolError

if TYPE_CHECKING:
    import optuna

REPEATS = 3
"""The most retries of a candidate whose worker was lost."""
_ATTEMPTS = 10
"""The most attempts to create tables while other workers create them too."""
_IDENTITY = "identity "
"""Prefix of the attributes of a study that identify its model, data and options."""


@dataclass(frozen=True)
class Storage:
    """A database, and timeouts for workers."""

    url: str
    """In SQLAlchemy's format: sqlite:///path, postgresql+psycopg://user:password@host/name."""
    name: str
    """Name of the study."""
    beat: int = 5
    """Interval of heartbeats in seconds."""
    grace: int = 30
    """Seconds without a heartbeat after which a candidate is reassigned."""

    @property
    def shown(self) -> str:
        """The URL without its password."""
        from sqlalchemy.engine import make_url

        return make_url(self.url).render_as_string(hide_password=True)


def repeat() -> optuna.storages.RetryHeartbeatStaleTrialCallback:
    """A callback that enqueues a candidate again."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=REPEATS)


def require_optuna() -> None:
    """Check that optuna is installed.

    Raises:
        ToolError: it is not; the message has the installation command.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ToolError(
            "tinycomp search needs optuna, which is not installed.",
            hint="pip install 'tinycomp[search]'",
        )


@contextmanager
def database(storage: Storage) -> Iterator[None]:
    """Converts database errors to errors with advice for the user."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        reason = str(getattr(cause, "orig", None) or cause or error).strip().splitlines()
        raise OutputError(
            f"The study in '{storage.shown}' can't be read or written: {' '.join(reason)}.",
            hint="Finished candidates are kept: fix the problem and run the same command again.",
        ) from error


def open_study(storage: Storage, identity: Mapping[str, str], objectives: int) -> optuna.Study:
    """Open the study, or create it.

    Args:
        storage: the database and the name of the study.
        identity: model, data and options of the study, by name.
        objectives: number of objectives, which are minimized.

    Raises:
        TinycompError: the database can't be reached, or the study has another identity.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with database(storage), _drivers(storage), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        kept = _tables(storage)
        study = optuna.create_study(
            storage=kept, study_name=storage.name, load_if_exists=True,
            directions=["minimize"] * objectives,
        )  # fmt: skip
        _require_same(study, storage, identity)
    return study


def _tables(storage: Storage) -> optuna.storages.RDBStorage:
    """The database with its tables, which several workers may be creating at this moment."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    for attempt in range(_ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(
                storage.url,
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=storage.beat,
                grace_period=storage.grace,
                heartbeat_stale_trial_callback=repeat(),
            )
        except SQLAlchemyError as error:
            known = any(words in str(error) for words in ("already exists", "duplicate key"))
            if not known or attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(1.0)
    raise AssertionError("the last attempt raised nothing")


@contextmanager
def _drivers(storage: Storage) -> Iterator[None]:
    from sqlalchemy.exc import ArgumentError

    try:
        yield
    except ImportError as error:
        raise ToolError(
            f"The driver of '{storage.shown}' is not installed.",
            hint="For PostgreSQL: pip install 'psycopg[binary]', and write "
            "postgresql+psycopg://user@host/database.",
        ) from error
    except ArgumentError as error:
        raise TinycompError(
            f"--storage '{storage.url}' is not a database URL: {error}.",
            expected="Expected sqlite:///path or postgresql+psycopg://user@host/database.",
        ) from error


def _require_same(study: optuna.Study, storage: Storage, identity: Mapping[str, str]) -> None:
    known = {
        key.removeprefix(_IDENTITY): value
        for key, value in study.user_attrs.items()
        if key.startswith(_IDENTITY)
    }
    if not known and study.get_trials(deepcopy=False):
        raise TinycompError(
            f"The study '{storage.name}' in '{storage.shown}' was not created by tinycomp.",
            hint="Give another name with --study.",
        )
    for what, value in identity.items():
        if what not in known:
            study.set_user_attr(_IDENTITY + what, value)
        elif known[what] != value:
            raise TinycompError(
                f"The study '{storage.name}' in '{storage.shown}' was started with another {what}: "
                f"{known[what]}, not {value}.",
                hint="Use another --study, or another output folder.",
            )

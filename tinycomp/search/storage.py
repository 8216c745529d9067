"""Where a study lies: a database that several processes and machines may share.

Each worker says every few seconds that its candidate is still being trained. One that has not been
heard of for a while is given to another worker.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinycomp.common.errors import OutputError, TinycompError, ToolError

if TYPE_CHECKING:
    import optuna

REPEATS = 3
"""How often a candidate is begun again whose worker was lost."""
_IDENTITY = "identity "
"""In front of the names of attributes of a study that say what it is about."""


@dataclass(frozen=True)
class Storage:
    """A database, and how long it waits for workers."""

    url: str
    """As SQLAlchemy takes it: sqlite:///path, postgresql+psycopg://user:password@host/name."""
    name: str
    """Of the study."""
    beat: int = 5
    """Seconds from one sign of life of a worker to the next."""
    grace: int = 30
    """Seconds without one after which a candidate is given to another worker."""

    @property
    def shown(self) -> str:
        """The URL without its password."""
        from sqlalchemy.engine import make_url

        return make_url(self.url).render_as_string(hide_password=True)


def repeat() -> optuna.storages.RetryHeartbeatStaleTrialCallback:
    """Puts a candidate on the list again."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=REPEATS)


def require_optuna() -> None:
    """Refuse to search without optuna.

    Raises:
        ToolError: with the line that installs it.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ToolError(
            "tinycomp search needs optuna, which is not installed.",
            hint="pip install 'tinycomp[search]'",
        )


@contextmanager
def database(storage: Storage) -> Iterator[None]:
    """Turns errors of the database into errors that the user can correct."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        reason = str(getattr(cause, "orig", None) or cause or error).strip().splitlines()
        raise OutputError(
            f"The study in '{storage.shown}' can't be read or written: {' '.join(reason)}.",
            hint="What was finished is kept: run the same command again once that is mended.",
        ) from error


def open_study(storage: Storage, identity: Mapping[str, str], objectives: int) -> optuna.Study:
    """The study, created where there is none of that name.

    Args:
        storage: where.
        identity: what it is about, by words that a message can name.
        objectives: how many; less is better.

    Raises:
        TinycompError: the database can't be reached, or the study is about something else.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with database(storage), _drivers(storage), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        kept = optuna.storages.RDBStorage(
            storage.url,
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=storage.beat,
            grace_period=storage.grace,
            heartbeat_stale_trial_callback=repeat(),
        )
        study = optuna.create_study(
            storage=kept, study_name=storage.name, load_if_exists=True,
            directions=["minimize"] * objectives,
        )  # fmt: skip
        _require_same(study, storage, identity)
    return study


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
            f"--storage '{storage.url}' is no URL of a database: {error}.",
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
            f"The study '{storage.name}' in '{storage.shown}' is not one of tinycomp.",
            hint="Give another name with --study.",
        )
    for what, value in identity.items():
        if what not in known:
            study.set_user_attr(_IDENTITY + what, value)
        elif known[what] != value:
            raise TinycompError(
                f"The study '{storage.name}' in '{storage.shown}' was begun with another {what}: "
                f"{known[what]}, not {value}.",
                hint="Give a new one another name with --study, or another output folder.",
            )

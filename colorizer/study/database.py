"""Opening the database of a study: SQLite in WAL mode, or PostgreSQL; brought to the current tables first."""

import os
import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from colorizer.errors import UserError

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 30  # seconds to wait for another writer
ONE_STATE = {"isolation_level": "REPEATABLE READ"}
MIGRATION_LOCK = 2401_01456  # any number, the same in every process


def open_database(url: str) -> tuple[Engine, Engine]:
    """Two engines on one pool, for reading and for writing. Raises UserError for a database that cannot be used."""
    address = _address(url)
    try:
        engine = _engine(address)
        writing = engine.execution_options(writing=True)
        with writing.begin() as connection:
            migrate(connection)
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed; run: pip install 'psycopg[binary]'") from None
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(f"The database {address.render_as_string()} cannot be used: {reason}") from error
    # A report must not see half of what happens meanwhile. SQLite's transactions never do.
    return (engine if address.drivername == "sqlite" else engine.execution_options(**ONE_STATE)), writing


def migrate(connection: Connection) -> None:
    """Bring the tables up to date; several processes may do so at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise UserError(
            f"{url!r:.80} is no database URL; write postgresql://USER@HOST/NAME or sqlite:///PATH"
        ) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("sqlite", "postgresql+psycopg"):
        raise UserError(f"The database {address.drivername} is not supported; use postgresql:// or sqlite:///")
    if address.drivername == "sqlite" and address.database in (None, "", ":memory:"):
        raise UserError("A database in memory would lose everything; write sqlite:///PATH")
    return address


def _engine(address: URL) -> Engine:
    if address.drivername != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    # Records of people: only for the account that runs the study.
    os.close(os.open(address.database, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(address, connect_args={"timeout": PATIENCE})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection, record) -> None:
    connection.isolation_level = None  # the driver would begin transactions too late, see _begin_sqlite
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection) -> None:
    """SQLite does not wait for others when it changes the journal of a new file, whatever the timeout, so we do.

    The file remembers it: for all later connections this is no change, and at once done.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes fails at once if somebody else wrote in between; IMMEDIATE waits instead.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

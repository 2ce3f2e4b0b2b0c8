"""The store's tables and the first look at a file, before anything touches it."""

import struct
from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import sqlite

from huissier.adapters.errors import CorruptStoreError, ForeignStoreError, StoreError, StoreVersionError
from huissier.adapters.log.held_files import look_at, make_new
from huissier.adapters.log.session import Session
from huissier.adapters.log.settings import read_setting, write_setting

SCHEMA_VERSION: Final = 2
FIRST_VERSION: Final = 1
MARKS: Final = ("events", "tags", "vault", "settings")  # the tables that every version has had
APPLICATION_ID: Final = 0x48554953  # "HUIS", in the header of every SQLite file we make

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_LENGTH: Final = 100

metadata = MetaData()
_Position = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")

events = Table(
    "events",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("tags", Text, nullable=False),
)

# One row per tag of an event. The type is part of the index, so that a busy tag does not slow a query by type.
tags = Table(
    "tags",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("position", _Position, primary_key=True),
    sqlite_with_rowid=False,
)

vault = Table(
    "vault",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("usager", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("vault_usager", "usager", unique=True),
    sqlite_with_rowid=False,
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)


def make_private_file(path: Path) -> None:
    """Make the file empty and readable by its owner only, unless it is there. Raises `StoreError`."""
    try:
        make_new(path)
    except FileExistsError:
        return
    except OSError as problem:
        raise StoreError(f"the store {path} cannot be made: {problem.strerror}") from None


def look_at_file(path: Path) -> int | None:
    """Return the schema version of the store in a file, None where it is still empty.

    Reads the header's bytes without SQLite, which might write beside the file. Raises `ForeignStoreError`,
    `CorruptStoreError` or `StoreError`, and leaves the file as it is.
    """
    try:
        header, size = look_at(path, _HEADER_LENGTH)
    except OSError as problem:
        raise StoreError(f"the store {path} cannot be read: {problem.strerror}") from None
    if not header:
        return None
    if not header.startswith(_MAGIC):
        raise ForeignStoreError(f"{path} is not a huissier store (not an SQLite file); it was left untouched")
    if len(header) < _HEADER_LENGTH:
        raise CorruptStoreError(f"{path} is damaged: its header is cut short; it was left untouched")
    version, application = struct.unpack(">I", header[60:64])[0], struct.unpack(">I", header[68:72])[0]
    if application != APPLICATION_ID:
        raise ForeignStoreError(f"{path} is an SQLite file of something else; it was left untouched")
    page_size = struct.unpack(">H", header[16:18])[0]
    if size % (65536 if page_size == 1 else max(page_size, 1)):
        raise CorruptStoreError(f"{path} is damaged: it was cut short; it was left untouched")
    return int(version)


def check_version(version: int, where: str, oldest: int = SCHEMA_VERSION) -> None:
    """Refuse a store of a schema version older than `oldest` or newer than ours. Raises `StoreVersionError`."""
    if version > SCHEMA_VERSION:
        raise StoreVersionError(
            f"{where} has schema version {version}, newer than this huissier's {SCHEMA_VERSION}; it was left untouched."
            " Use a huissier as new as the one that wrote it"
        )
    if version < oldest:
        remedy = (
            "Stop what uses the store, back it up with its key, and run `huissier store migrate`"
            if version >= FIRST_VERSION
            else "No migration leads from it"
        )
        raise StoreVersionError(
            f"{where} has schema version {version}, older than this huissier's {SCHEMA_VERSION};"
            f" it was left untouched. {remedy}"
        )


def read_version(session: Session, *, embedded: bool) -> int | None:
    """Return the schema version that a database names, None where it names none."""
    named = session.scalar("PRAGMA user_version") if embedded else read_setting(session, "schema_version")
    return int(str(named)) if str(named).isdecimal() else None


def write_version(session: Session, version: int, *, embedded: bool) -> None:
    """Write the schema version where the next opening looks for it, and among the settings."""
    write_setting(session, "schema_version", str(version))
    if embedded:
        session.run(f"PRAGMA user_version = {version:d}")

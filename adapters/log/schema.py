"""The store's tables and the first look at a file, before anything touches it."""

import os
import struct
from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects import sqlite

from huissier.adapters.errors import CorruptStoreError, ForeignStoreError, StoreError, StoreVersionError

SCHEMA_VERSION: Final = 1
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

# One row a tag of an event. The type is part of the index, so that a busy tag does not slow a query by type.
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


def make_private_file(path: Path) -> bool:
    """Make the file empty and readable by its owner only; say whether it was not there. Raises `StoreError`."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    except OSError as problem:
        raise StoreError(f"the store {path} cannot be made: {problem.strerror}") from None
    return True


def look_at_file(path: Path) -> bool:
    """Say whether the file holds a store; False where it is still empty.

    Reads the header's bytes without SQLite, which might write beside the file. Raises `ForeignStoreError`,
    `CorruptStoreError`, `StoreVersionError` or `StoreError`, and leaves the file as it is.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_LENGTH)
            size = os.fstat(file.fileno()).st_size
    except OSError as problem:
        raise StoreError(f"the store {path} cannot be read: {problem.strerror}") from None
    if not header:
        return False
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
    check_version(version, str(path))
    return True


def check_version(version: int, where: str) -> None:
    """Refuse a store that another schema version wrote. Raises `StoreVersionError`."""
    if version != SCHEMA_VERSION:
        newer = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreVersionError(
            f"{where} has schema version {version}, {newer} one than this huissier's {SCHEMA_VERSION};"
            " it was left untouched"
        )

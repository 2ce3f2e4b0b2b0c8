"""Extractions as texts, made row by row."""

from huissier.adapters.directory.columns import ADDRESS, COLUMNS, KIND, SEPARATOR


def row(address: str, kind: str = "PER", **values: str) -> str:
    """Return a row; columns are named with underscores, as in `Nom_d_exercice`."""
    named = {KIND: kind, ADDRESS: address} | {name_of(name): value for name, value in values.items()}
    return SEPARATOR.join(named.get(name, "") for name in COLUMNS)


def name_of(written: str) -> str:
    """Return the column that is written so in Python."""
    (found,) = (name for name in COLUMNS if name.replace(" ", "_").replace("'", "_") == written)
    return found


def extraction(*rows: str | bytes, header: str = SEPARATOR.join(COLUMNS)) -> bytes:
    """Return a whole file."""
    lines = (line if isinstance(line, bytes) else line.encode() for line in (header, *rows))
    return b"".join(line + b"\n" for line in lines)

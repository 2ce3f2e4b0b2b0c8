"""The nodes kept beside a store, read without a trace: a copy under examination may come with them or without."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from huissier.adapters.evidence.nodes import cut, leaves
from huissier.adapters.evidence.verifying import Kept, nothing_kept
from huissier.adapters.log.at_rest import FileState, reading_url
from huissier.adapters.log.place import Place
from huissier.adapters.views.database import SCHEMA_BESIDE, views_path


@contextmanager
def kept_beside(place: Place) -> Iterator[Kept]:
    """Lend the leaf hashes of complete blocks; none where there are none, or where they cannot be read."""
    url = _where(place)
    if url is None:
        yield nothing_kept
        return
    engine = sa.create_engine(url)
    try:
        with ExitStack() as stack:
            yield _kept_in(engine, stack)
    finally:
        engine.dispose()


def _kept_in(engine: sa.Engine, stack: ExitStack) -> Kept:
    try:
        connection = stack.enter_context(engine.connect())
        is_embedded = engine.dialect.name == "sqlite"
        with connection.begin():
            schema = None if is_embedded else connection.scalar(sa.text(SCHEMA_BESIDE))
            if not sa.inspect(connection).has_table(leaves.name, schema=schema):
                return nothing_kept
    except SQLAlchemyError:
        return nothing_kept
    table = sa.table(leaves.name, *map(sa.column, leaves.c.keys()), schema=schema)

    def kept(block: int) -> list[bytes] | None:
        found = None
        with suppress(SQLAlchemyError), connection.begin():
            found = connection.scalar(sa.select(table.c.hashes).where(table.c.block == block))
        return cut(found) if isinstance(found, bytes) else None

    return kept


def _where(place: Place) -> sa.URL | None:
    if not place.is_embedded:
        return place.url
    path = views_path(place)
    if path is None or not path.exists():
        return None
    return reading_url(sa.URL.create("sqlite", database=str(path)), path, FileState.of(path))

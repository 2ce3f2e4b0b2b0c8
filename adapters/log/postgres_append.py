"""The pen in one round trip on PostgreSQL: a function in the database that appends only where nothing came between."""

from typing import Final

PEN_LOCK: Final = 0x48554953534945  # one pen for a database

# Each statement of a volatile function sees what was committed before it began: the head is read after the lock was
# obtained, not before it was asked for. `presumed` are tags that the caller takes to be new, `places` say which of the
# events a tag belongs to, counted from 1. Returns the new head, or null where the head is not the one expected or a
# presumed tag is known; then nothing was written.
DEFINITION: Final = f"""
CREATE OR REPLACE FUNCTION huissier_append(
    expected bigint, presumed text[], types text[], datas bytea[], taglists text[], tag_names text[], places bigint[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    head bigint;
BEGIN
    PERFORM pg_advisory_xact_lock({PEN_LOCK});
    SELECT coalesce(max(position), 0) INTO head FROM events;
    IF head <> expected OR EXISTS (SELECT 1 FROM tags WHERE tag = ANY (presumed)) THEN
        RETURN NULL;
    END IF;
    INSERT INTO events (position, type, data, tags)
        SELECT head + place, type, data, taglist
        FROM unnest(types, datas, taglists) WITH ORDINALITY AS given (type, data, taglist, place);
    INSERT INTO tags (tag, type, position)
        SELECT name, types[place], head + place FROM unnest(tag_names, places) AS given (name, place);
    RETURN head + cardinality(types);
END $$
"""  # noqa: S608 the lock's number is a constant
# Where somebody has the pen it is not waited for: they are about to move the head, and callers might give up.
CALL: Final = f"SELECT CASE WHEN pg_try_advisory_xact_lock({PEN_LOCK}) THEN huissier_append(?, ?, ?, ?, ?, ?, ?) END"

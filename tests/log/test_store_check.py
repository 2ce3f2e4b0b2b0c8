"""Whatever is wrong with a store is named by its position, a healthy one has nothing wrong, and no byte changes."""

import base64
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from eventsourcing.dcb.popo import InMemoryDCBRecorder
from hypothesis import given
from sqlalchemy import URL

from huissier import AdmitDomain, AnyCommand, CloseEns, EraseUsager, Options, RegisterOperator
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError, ForeignStoreError, StoreError, StoreVersionError
from huissier.adapters.integrity import Report, check_store
from huissier.adapters.log.migrations import migrate
from huissier.adapters.log.place import Place
from huissier.adapters.log.postgres_append import DEFINITION
from huissier.adapters.log.store import Store
from huissier.adapters.testing.hospital import DOCTOR, NOW, OTHER_USAGER, USAGER, ins, reach, world, write
from huissier.adapters.testing.strategies import histories, options
from huissier.adapters.vault import Vault, new_usager_id
from huissier.domain.vocabulary.ins import Ins, mentions_ins
from tests.log.by_hand import ByHand
from tests.properties import histories_looked_at

KEY = {"HUISSIER_VAULT_KEY": base64.b64encode(b"A" * 32).decode()}
OTHER_KEY = {"HUISSIER_VAULT_KEY": base64.b64encode(b"B" * 32).decode()}

STORY: list[AnyCommand] = [
    *world(),
    reach(DOCTOR, USAGER, at=NOW),
    write(USAGER, DOCTOR, id="answer", at=NOW),
    write(DOCTOR, OTHER_USAGER, at=NOW),
    EraseUsager(ins=ins(2), at=NOW),
    CloseEns(ins=ins(3), at=NOW),  # refused: a stranger's name stands in the log and not in the vault
]
OPERATOR, ANNEXE, DOCTORS_BOX, FIRST_ENS, SECOND_ENS, REACHED, ANSWERED, ERASED, HEAD = 1, 3, 5, 13, 14, 15, 16, 18, 19


class Damage(NamedTuple):
    """What somebody did to a store, and what a check says of it."""

    done: Callable[[ByHand], object]
    found: Sequence[tuple[int | None, str]]


MISSING_ROW = "a tag of the event is missing from the tag index"
STRANGE_ROW = "the tag index has a row for a tag that the event does not have"
ROW_OF_ANOTHER_TYPE = "the tag index has a row under another type than the event's"
ROW_OF_NOTHING = "the tag index has a row of this position, where no event stands"
UNDECODABLE = "the event cannot be decoded"
OTHER_TAGS = "the event is stored with other tags than its own"
INS = "a text of the event looks like an INS"
SEALED = "a usager's row in the vault does not open under the key, or is not found by its digest"
LOST = "names a usager whom neither the vault knows nor the log erased"


def add_events(store: ByHand, *positions: int) -> None:
    for position in positions:
        store.run("INSERT INTO events SELECT ?, type, data, '[]' FROM events WHERE position = ?", position, HEAD)


def decide_again(store: ByHand) -> None:
    store.run("INSERT INTO events SELECT ?, type, data, tags FROM events WHERE position = ?", HEAD + 1, ANSWERED)
    store.run("INSERT INTO tags SELECT tag, type, ? FROM tags WHERE position = ?", HEAD + 1, ANSWERED)


def write_ins_into_a_name(store: ByHand) -> None:
    store.rewrite(DOCTORS_BOX, lambda data: data.replace(b'"kind"', f'"name":"Jean, {ins(7)}","kind"'.encode()))


def hide_ins_in_an_escape(store: ByHand) -> None:
    hidden = "".join(f"\\u00{ord(digit):02x}" for digit in ins(7))
    store.rewrite(DOCTORS_BOX, lambda data: data.replace(b'"kind"', f'"unheard-of":"{hidden}","kind"'.encode()))


def bring_back_the_erased(store: ByHand) -> None:
    """Put the row of the usager who is left under the name of the one who was erased."""
    erased = store.value("SELECT data FROM events WHERE position = ?", ERASED).decode().split('"usager":"')[1][:26]
    store.run("UPDATE vault SET usager = ?", erased)


def copy_rows_of(table: str) -> Callable[[ByHand], None]:
    """Have only the rows of a table survive, as a careless copy would."""

    def copy(store: ByHand) -> None:
        store.run(f"CREATE TABLE copied AS SELECT * FROM {table}")  # noqa: S608 a table of ours
        store.run(f"DROP TABLE {table}")
        store.run(f"ALTER TABLE copied RENAME TO {table}")

    return copy


def index_otherwise(definition: str) -> Callable[[ByHand], None]:
    def index(store: ByHand) -> None:
        store.run("DROP INDEX vault_usager")
        store.run(definition)

    return index


def add_trigger(store: ByHand) -> None:
    does = "BEGIN SELECT 1; END" if store.is_embedded else "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    store.run(f"CREATE TRIGGER theirs BEFORE UPDATE ON settings FOR EACH ROW {does}")


NO_INDEX = (None, "the table vault has lost its index vault_usager")

DAMAGES: dict[str, Damage] = {
    "an event gives a reason that there is not": Damage(
        lambda store: store.rewrite(ANSWERED, lambda data: data.replace(b'"code":"', b'"code":"UN')),
        [(ANSWERED, UNDECODABLE)],
    ),
    "an event names a version that is none": Damage(
        lambda store: store.rewrite(ANNEXE, lambda data: data.replace(b'"referentiel":"', b'"referentiel":"v')),
        [(ANNEXE, UNDECODABLE)],
    ),
    "an event is gone": Damage(
        lambda store: store.run("DELETE FROM events WHERE position = ?", OPERATOR + 1),
        [(2, "is missing"), (2, ROW_OF_NOTHING)],
    ),
    "several events are gone": Damage(
        lambda store: store.run("DELETE FROM events WHERE position BETWEEN 2 AND 4"),
        [(2, "is missing, and so are all up to position 4"), (2, ROW_OF_NOTHING), (3, ROW_OF_NOTHING)]
        + [(4, ROW_OF_NOTHING)] * 2,
    ),
    "the first event is gone": Damage(
        lambda store: store.run("DELETE FROM events WHERE position = 1"),
        [(1, "is missing"), (1, ROW_OF_NOTHING)],
    ),
    "an event stands far behind the others": Damage(
        lambda store: add_events(store, 2**62),
        [(HEAD + 1, f"is missing, and so are all up to position {2**62 - 1}")],
    ),
    "events stand before the first": Damage(
        lambda store: add_events(store, 0, -(2**62)),
        [(-(2**62), "stands before position 1"), (0, "stands before position 1")],
    ),
    "an event is no JSON": Damage(
        lambda store: store.rewrite(OPERATOR, lambda _: b"\xff nonsense"), [(OPERATOR, UNDECODABLE)]
    ),
    "an event is of a kind that nobody knows": Damage(
        lambda store: store.rewrite(OPERATOR, lambda data: data.replace(b"registered.v1", b"registered.v9")),
        [(OPERATOR, UNDECODABLE)],
    ),
    "an event is empty": Damage(lambda store: store.rewrite(OPERATOR, lambda _: b""), [(OPERATOR, UNDECODABLE)]),
    "an event is nested without end": Damage(
        lambda store: store.rewrite(OPERATOR, lambda _: b"[" * 100_000), [(OPERATOR, UNDECODABLE)]
    ),
    "a time has lost its zone": Damage(
        lambda store: store.rewrite(OPERATOR, lambda data: data.replace(b"00Z", b"00")),
        [(OPERATOR, UNDECODABLE)],
    ),
    "the type beside an event is another": Damage(
        lambda store: store.run("UPDATE events SET type = 'cgu-signed.v1' WHERE position = ?", OPERATOR),
        [
            (OPERATOR, "the event is stored under another type than its own"),
            (OPERATOR, MISSING_ROW),
            (OPERATOR, ROW_OF_ANOTHER_TYPE),
        ],
    ),
    "the tags beside an event are others": Damage(
        lambda store: store.run("UPDATE events SET tags = '[\"a\"]' WHERE position = ?", OPERATOR),
        [(OPERATOR, OTHER_TAGS), (OPERATOR, MISSING_ROW), (OPERATOR, STRANGE_ROW)],
    ),
    "a tag stands twice beside an event": Damage(
        lambda store: store.run(
            "UPDATE events SET tags = replace(tags, ']', ',' || substr(tags, 2)) WHERE position = ?", OPERATOR
        ),
        [(OPERATOR, OTHER_TAGS)],
    ),
    "the tags beside an event are gone, also from the index": Damage(
        lambda store: (
            store.run("UPDATE events SET tags = '[]' WHERE position = ?", OPERATOR),
            store.run("DELETE FROM tags WHERE position = ?", OPERATOR),
        ),
        [(OPERATOR, OTHER_TAGS)],
    ),
    "the tags beside an event are no list": Damage(
        lambda store: store.run("UPDATE events SET tags = 'none' WHERE position = ?", OPERATOR),
        [(OPERATOR, "the event's tags cannot be decoded"), (OPERATOR, STRANGE_ROW)],
    ),
    "the index lacks a row": Damage(
        lambda store: store.run("DELETE FROM tags WHERE position = ?", ANSWERED), [(ANSWERED, MISSING_ROW)]
    ),
    "the index has a row for a tag of nobody": Damage(
        lambda store: store.run("INSERT INTO tags VALUES ('x', 'message-decided.v1', ?)", ANSWERED),
        [(ANSWERED, STRANGE_ROW)],
    ),
    "the index has a row of a position behind the head": Damage(
        lambda store: store.run("INSERT INTO tags VALUES ('x', 'message-decided.v1', 99)"), [(99, ROW_OF_NOTHING)]
    ),
    "the index has a row under another type": Damage(
        lambda store: store.run("UPDATE tags SET type = 'ens-closed.v1' WHERE position = ?", FIRST_ENS),
        [(FIRST_ENS, MISSING_ROW), (FIRST_ENS, ROW_OF_ANOTHER_TYPE)],
    ),
    "a submission is decided twice": Damage(
        decide_again, [(HEAD + 1, f"decides again the submission decided at position {ANSWERED}")]
    ),
    "an INS stands in a name": Damage(write_ins_into_a_name, [(DOCTORS_BOX, INS)]),
    "an INS stands behind escapes in a field that is none": Damage(hide_ins_in_an_escape, [(DOCTORS_BOX, INS)]),
    "an INS stands in bytes that are no event": Damage(
        lambda store: store.rewrite(OPERATOR, lambda _: f"to {ins(7)}".encode()),
        [(OPERATOR, INS), (OPERATOR, UNDECODABLE)],
    ),
    "the vault has lost everybody": Damage(lambda store: store.run("DELETE FROM vault"), [(FIRST_ENS, LOST)]),
    "the vault still has who was erased": Damage(
        bring_back_the_erased,
        [(ERASED, "the usager erased here still stands in the vault"), (SECOND_ENS, SEALED), (FIRST_ENS, LOST)],
    ),
    "a row of the vault has another digest": Damage(
        lambda store: store.run("UPDATE vault SET digest = ?", bytes(32)), [(FIRST_ENS, SEALED)]
    ),
    "a row of the vault is sealed otherwise": Damage(
        lambda store: store.run("UPDATE vault SET sealed = ?", bytes(60)), [(FIRST_ENS, SEALED)]
    ),
    "a row of the vault is cut short": Damage(
        lambda store: store.run("UPDATE vault SET sealed = ?", b"\x00"), [(FIRST_ENS, SEALED)]
    ),
    "an INS stands in the tags beside an event": Damage(
        lambda store: store.run("UPDATE events SET tags = ? WHERE position = ?", f'["{ins(7)}"]', FIRST_ENS),
        [(FIRST_ENS, OTHER_TAGS), (FIRST_ENS, INS), (FIRST_ENS, MISSING_ROW), (FIRST_ENS, STRANGE_ROW)],
    ),
    "an INS stands in the index": Damage(
        lambda store: store.run("INSERT INTO tags VALUES (?, 'ens-opened.v1', 99)", ins(7)),
        [(99, ROW_OF_NOTHING), (99, "a tag in the index looks like an INS")],
    ),
    "an INS stands in the type beside an event": Damage(
        lambda store: (
            store.run("UPDATE events SET type = ? WHERE position = ?", ins(7), HEAD),
            store.run("UPDATE tags SET type = ? WHERE position = ?", ins(7), HEAD),
        ),
        [(HEAD, "the event is stored under another type than its own"), (HEAD, INS)],
    ),
    "the events have lost their key": Damage(
        copy_rows_of("events"), [(None, "the table events has lost its primary key")]
    ),
    "the index has lost its key": Damage(copy_rows_of("tags"), [(None, "the table tags has lost its primary key")]),
    "the settings have lost their key": Damage(
        copy_rows_of("settings"), [(None, "the table settings has lost its primary key")]
    ),
    "the vault has lost its key and its index": Damage(
        copy_rows_of("vault"), [(None, "the table vault has lost its primary key"), NO_INDEX]
    ),
    "the vault has lost its index": Damage(lambda store: store.run("DROP INDEX vault_usager"), [NO_INDEX]),
    "the vault's index lets a usager stand twice": Damage(
        index_otherwise("CREATE INDEX vault_usager ON vault (usager)"), [NO_INDEX]
    ),
    "the vault's index is one of another column": Damage(
        index_otherwise("CREATE UNIQUE INDEX vault_usager ON vault (sealed)"), [NO_INDEX]
    ),
    "the vault's index leaves rows out": Damage(
        index_otherwise("CREATE UNIQUE INDEX vault_usager ON vault (usager) WHERE usager > 'u'"), [NO_INDEX]
    ),
    "a table has a trigger": Damage(
        add_trigger, [(None, "a trigger that huissier did not make touches the table settings")]
    ),
}


def found(report: Report) -> list[tuple[int | None, str]]:
    return [(problem.position, problem.what) for problem in report.problems]


def checked(store: ByHand, environment: dict[str, str] = KEY) -> Report:
    """Check a store and see that it was left without a trace."""
    before = files(store)
    report = check_store(store.url, environment=environment)
    assert files(store) == before
    return report


def files(store: ByHand) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.path.parent.iterdir()} if store.is_embedded else {}


@pytest.fixture(params=["file", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ByHand:
    is_file = request.param == "file"
    url: str = f"sqlite:///{tmp_path / 'huissier.db'}" if is_file else request.getfixturevalue("new_database")()
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(STORY)
        assert engine.head == HEAD
    return ByHand(url)


@pytest.fixture
def file(tmp_path: Path) -> ByHand:
    """An embedded store."""
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(STORY)
    return ByHand(url)


def test_a_healthy_store_has_nothing_wrong(store: ByHand) -> None:
    assert checked(store) == Report(events=HEAD, head=HEAD, problems=(), notes=())


def test_a_healthy_store_that_was_migrated_has_nothing_wrong(store: ByHand) -> None:
    store.back_to_version_1()
    migrate(store.url)
    assert checked(store) == Report(events=HEAD, head=HEAD, problems=(), notes=())


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_named_by_its_position(name: str, store: ByHand) -> None:
    DAMAGES[name].done(store)
    report = checked(store)
    assert sorted(found(report)) == sorted(DAMAGES[name].found)
    assert not mentions_ins(repr(report))


@histories_looked_at(12)
@given(history=histories(), options=options())
def test_whatever_was_told_to_the_engine_the_store_is_healthy(history: list[AnyCommand], options: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/huissier.db"
        with Engine(url, options=options, environment=KEY) as engine:
            engine.handle_many(history)
            head = engine.head
        assert check_store(url, environment=KEY) == Report(events=head, head=head, problems=(), notes=())


# --- what databases bring about by themselves


def test_an_append_function_that_is_gone_is_told(new_database: Callable[[], str]) -> None:
    store = ByHand(new_database())
    Engine(store.url, environment=KEY).close()
    store.run("DROP FUNCTION huissier_append")
    assert found(checked(store)) == [(None, "the function huissier_append is missing from the database")]


APPEND_FUNCTIONS: dict[str, Callable[[ByHand], object]] = {
    "has another body": lambda store: store.run(DEFINITION.replace("head <> expected", "head < expected")),
    "has a body that is only written otherwise": lambda store: store.run(DEFINITION.replace("BEGIN\n", "BEGIN \n")),
    "takes other arguments": lambda store: (
        store.run("DROP FUNCTION huissier_append"),
        store.run(DEFINITION.replace("expected bigint", "expected integer")),
    ),
    "takes the arguments in another order": lambda store: (
        store.run("DROP FUNCTION huissier_append"),
        store.run(DEFINITION.replace("presumed text[], types text[]", "types text[], presumed text[]")),
    ),
    "returns something else": lambda store: (
        store.run("DROP FUNCTION huissier_append"),
        store.run(DEFINITION.replace("RETURNS bigint", "RETURNS integer")),
    ),
    "promises not to write": lambda store: store.run("ALTER FUNCTION huissier_append STABLE"),
    "looks for its tables elsewhere": lambda store: store.run(
        "ALTER FUNCTION huissier_append SET search_path = theirs"
    ),
    "runs with another's rights": lambda store: store.run("ALTER FUNCTION huissier_append SECURITY DEFINER"),
    "has another beside it": lambda store: store.run(DEFINITION.replace("expected bigint", "expected integer")),
}


@pytest.mark.parametrize("name", APPEND_FUNCTIONS)
def test_an_append_function_that_is_another_is_told(name: str, new_database: Callable[[], str]) -> None:
    store = ByHand(new_database())
    Engine(store.url, environment=KEY).close()
    APPEND_FUNCTIONS[name](store)
    assert found(checked(store)) == [(None, "the function huissier_append is another than the schema version's")]


INTERFERING: dict[str, tuple[str, str]] = {
    "a rule that keeps nothing": (
        "CREATE RULE theirs AS ON INSERT TO events DO INSTEAD NOTHING",
        "a rule that huissier did not make touches the table events",
    ),
    "a policy that hides rows": (
        "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
        "a row security policy that huissier did not make touches the table events",
    ),
    "a table that a crash empties": (
        "ALTER TABLE events SET UNLOGGED",
        "the table events is unlogged: a crash of the server would empty it",
    ),
}


@pytest.mark.parametrize("name", INTERFERING)
def test_what_would_lose_facts_on_a_server_is_told(name: str, new_database: Callable[[], str]) -> None:
    store = ByHand(new_database())
    Engine(store.url, environment=KEY).close()
    statement, told = INTERFERING[name]
    store.run(statement)
    assert found(checked(store)) == [(None, told)]


OTHER_COLUMNS: dict[str, tuple[str, list[str]]] = {
    "tags that are bytes": (
        "ALTER TABLE tags ALTER COLUMN tag TYPE bytea USING tag::bytea",
        ["the column tag of the table tags is bytea and not text"],
    ),
    "positions in the index that are decimal": (
        "ALTER TABLE tags ALTER COLUMN position TYPE numeric",
        ["the column position of the table tags is numeric and not bigint"],
    ),
    "positions of events that are decimal": (
        "ALTER TABLE events ALTER COLUMN position TYPE numeric",
        ["the column position of the table events is numeric and not bigint"],
    ),
    "positions that end at two thousand millions": (
        "ALTER TABLE events ALTER COLUMN position TYPE integer",
        ["the column position of the table events is integer and not bigint"],
    ),
    "several": (
        "ALTER TABLE vault ALTER COLUMN digest TYPE text USING encode(digest, 'hex');"
        " ALTER TABLE events DROP COLUMN tags;"
        " ALTER TABLE settings ALTER COLUMN value TYPE varchar(80)",
        [
            "the column digest of the table vault is text and not bytea",
            "the column value of the table settings is varchar(80) and not text",
            "the table events has lost its column tags",
        ],
    ),
}


@pytest.mark.parametrize("name", OTHER_COLUMNS)
def test_columns_of_another_type_are_told_on_a_server_and_not_read(name: str, new_database: Callable[[], str]) -> None:
    store = ByHand(new_database())
    with Engine(store.url, environment=KEY) as engine:
        engine.handle_many(STORY)
    statements, told = OTHER_COLUMNS[name]
    for statement in statements.split("; "):
        store.run(statement)
    report = checked(store)
    assert sorted(what for _, what in found(report)) == told
    assert (report.events, report.head, len(report.notes)) == (0, 0, 1)


FOREIGN: dict[str, tuple[str, str]] = {
    "a view of a table": ('CREATE VIEW theirs AS SELECT * FROM "Events"', "view"),
    "a trigger elsewhere that writes": (
        "CREATE TRIGGER late AFTER INSERT ON theirs BEGIN DELETE FROM [EVENTS]; END",
        "trigger",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_touches_a_table_from_elsewhere_in_the_file_is_told(name: str, file: ByHand) -> None:
    statement, kind = FOREIGN[name]
    if kind == "trigger":
        file.run("CREATE TABLE theirs (number INTEGER)")
    file.run(statement)
    assert found(checked(file)) == [(None, f"a {kind} that huissier did not make touches the table events")]


def test_what_stands_beside_our_tables_and_leaves_them_alone_is_no_problem(file: ByHand) -> None:
    file.run("CREATE TABLE their_events (number INTEGER)")
    file.run("CREATE VIEW theirs AS SELECT * FROM their_events")
    file.run("CREATE TRIGGER late AFTER INSERT ON their_events BEGIN DELETE FROM their_events; END")
    assert checked(file).problems == ()


def test_positions_that_stand_twice_are_told(new_database: Callable[[], str]) -> None:
    store = ByHand(new_database())
    with Engine(store.url, environment=KEY) as engine:
        engine.handle_many(STORY)
    store.run("ALTER TABLE events DROP CONSTRAINT events_pkey")
    store.run("INSERT INTO events SELECT * FROM events WHERE position = ?", HEAD)
    assert found(checked(store)) == [(None, "the table events has lost its primary key"), (HEAD, "stands twice")]


def test_a_check_does_not_wait_for_the_pen(new_database: Callable[[], str]) -> None:
    url = new_database()
    Engine(url, environment=KEY).close()
    with opened(url) as other, other.writing():
        assert check_store(url, environment=KEY).problems == ()


def test_texts_that_are_none_are_told_and_the_rest_is_checked(file: ByHand) -> None:
    file.run("UPDATE events SET type = CAST(x'ff' AS TEXT) WHERE position = ?", HEAD)
    file.rewrite(OPERATOR, lambda _: b"")
    report = checked(file)
    assert found(report)[:2] == [(OPERATOR, UNDECODABLE), (HEAD, "the event cannot be read")]
    assert report.events == HEAD


def test_data_that_are_no_bytes_are_told_and_those_that_are_text_are_read(file: ByHand) -> None:
    file.run("UPDATE events SET data = 7 WHERE position = 1")
    file.run("UPDATE events SET data = CAST(data AS TEXT) WHERE position = 2")
    assert found(checked(file)) == [(1, "the event cannot be read"), (2, "the event is stored as text, not as bytes")]


@pytest.mark.parametrize(
    ("table", "places"),
    [("tags", ["the tag index"]), ("vault", ["the vault"]), ("settings", ["the settings", "the vault"])],
)
def test_a_table_that_is_gone_is_told_and_the_rest_is_checked(table: str, places: list[str], file: ByHand) -> None:
    file.rewrite(OPERATOR, lambda _: b"")
    file.run(f"DROP TABLE {table}")
    gone = [(None, f"{place} cannot be read: no such table: {table}") for place in places]
    assert sorted(found(checked(file)), key=str) == sorted([*gone, (OPERATOR, UNDECODABLE)], key=str)


def test_a_store_without_its_events_cannot_be_read(file: ByHand) -> None:
    file.run("DROP TABLE events")
    with pytest.raises(CorruptStoreError, match="no such table: events"):
        check_store(file.url, environment=KEY)


def test_settings_that_name_another_version_are_told(file: ByHand) -> None:
    file.run("UPDATE settings SET value = '1' WHERE name = 'schema_version'")
    assert found(checked(file)) == [(None, "the settings name another schema version than the store's")]


def break_page(path: Path, text: str) -> None:
    """Overwrite the page of a file on which a text stands."""
    content = bytearray(path.read_bytes())
    page = content.index(text.encode()) // 4096 * 4096
    content[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(content)


def test_what_sqlite_itself_finds_is_told(file: ByHand) -> None:
    """An index of SQLite's own that lacks a row."""
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = 1")
        hidden = other.execute("SELECT rootpage, sql FROM sqlite_schema WHERE name = 'vault_usager'").fetchone()
        other.execute("DELETE FROM sqlite_schema WHERE name = 'vault_usager'")
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("DELETE FROM vault")
        other.execute("PRAGMA writable_schema = 1")
        values = ("index", "vault_usager", "vault", *hidden)
        other.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", values)
    lines = found(checked(file))
    assert (None, "the database: wrong # of entries in index vault_usager") in lines


def test_a_broken_page_of_events_is_told_and_the_others_are_checked(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 400)
    position = store.value("SELECT position FROM tags WHERE tag = 'operator:operator-200'")
    break_page(store.path, '"operator-200"')
    report = checked(store)
    lines = found(report)
    assert (position, "the event cannot be read") in lines
    assert (None, "the database cannot be read: database disk image is malformed") in lines
    unread = [position for position, what in lines if what == "the event cannot be read"]
    assert 0 < len(unread) < 100
    assert report.events == 400


def test_a_broken_page_of_the_index_is_told_once_and_the_events_are_checked(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 400)
    store.rewrite(OPERATOR, lambda _: b"")
    break_page(store.path, "operator:operator-200operator-registered.v1")
    malformed = "cannot be read: database disk image is malformed"
    assert found(checked(store)) == [
        (None, f"the database {malformed}"),
        (OPERATOR, UNDECODABLE),
        (None, f"the tag index {malformed}"),
    ]


# --- many events


def opened(url: str) -> closing[Store]:
    return closing(Store(Place(url), lambda _session, _is_new: None))


def store_of_operators(folder: Path, number: int) -> ByHand:
    url = f"sqlite:///{folder / 'huissier.db'}"
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(RegisterOperator(operator=f"operator-{n}", kind="usager") for n in range(number))
    return ByHand(url)


def test_pages_leave_nothing_out(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 2_500)
    for position in (1000, 1001, 2000, 2001, 2500):
        store.rewrite(position, lambda _: b"")
    store.run("DELETE FROM events WHERE position BETWEEN 1500 AND 1504")
    store.run("DELETE FROM tags WHERE position BETWEEN 1500 AND 1504")
    seen: list[tuple[int, int]] = []
    report = check_store(store.url, environment=KEY, progress=lambda done, of: seen.append((done, of)))
    assert found(report) == [
        (1000, UNDECODABLE),
        (1001, UNDECODABLE),
        (1500, "is missing, and so are all up to position 1504"),
        *((position, UNDECODABLE) for position in (2000, 2001, 2500)),
    ]
    assert (report.events, report.head) == (2_495, 2_500)
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_the_first_thousand_problems_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 1_300)
    store.run("UPDATE events SET data = x'00' WHERE position <= 1250")
    report = checked(store)
    assert found(report) == [(position, UNDECODABLE) for position in range(1, 1_001)]
    assert report.notes == ("1250 problems were found; the first 1000 are listed",)


# --- what is no problem


def test_a_clock_that_was_set_back_is_a_note(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    days = iter([NOW, NOW - timedelta(days=1), NOW, NOW - timedelta(days=1)])
    with Engine(url, environment=KEY, clock=lambda: next(days)) as engine:
        for name in "abcd":
            engine.handle(RegisterOperator(operator=name, kind="usager"))
    report = check_store(url, environment=KEY)
    assert report.problems == ()
    assert report.notes == (
        "facts recorded earlier than the one before, first at position 2, 2 in all: a clock was set back",
    )


def test_rows_of_the_vault_of_whom_nothing_is_said_are_a_note(store: ByHand) -> None:
    with opened(store.url) as other, other.writing() as session:
        Vault(b"A" * 32).keep(session, Ins(ins(9)), new_usager_id())
    report = checked(store)
    assert report.problems == ()
    assert report.notes == ("the vault has 1 rows of usagers of whom the log says nothing",)


def test_numbers_of_structures_in_certificates_are_no_ins_but_other_attributes_are_searched(file: ByHand) -> None:
    with Engine(file.url, environment=KEY) as engine:
        dns = ["CN=mx.ch.fr,OU=300000000000000,O=CH"]
        position = engine.handle(AdmitDomain(domain="ch.mssante.fr", certificate_dns=dns)).position
        assert position is not None
    assert checked(file).problems == ()
    file.rewrite(position, lambda data: data.replace(b"mx.ch.fr", ins(7).encode()))
    assert found(checked(file)) == [(position, INS)]


def test_that_the_log_is_elsewhere_is_a_note(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    Engine(url, environment=KEY, recorder=InMemoryDCBRecorder()).close()
    assert check_store(url, environment=KEY) == Report(
        0, 0, (), ("the log of this store is elsewhere and was not read",)
    )


def test_a_store_that_says_its_log_is_elsewhere_and_has_events_is_not_whole(store: ByHand) -> None:
    store.run("INSERT INTO settings VALUES ('log_elsewhere', '')")
    assert found(checked(store)) == [(None, "the settings say that the log is elsewhere, but here are events")]


# --- the key


def test_without_the_key_the_rest_is_checked(store: ByHand) -> None:
    store.run("DELETE FROM tags WHERE position = ?", ANSWERED)
    for environment, word in (({}, "vault key"), (OTHER_KEY, "not the one"), ({"HUISSIER_VAULT_KEY": "short"}, "32")):
        first, second = checked(store, environment).problems
        assert (first.position, first.what) == (ANSWERED, MISSING_ROW)
        assert second.position is None
        assert second.what.startswith("the vault stayed sealed: ")
        assert word in second.what


# --- the store is only read


def test_a_lone_copy_of_the_file_is_checked_and_nothing_is_made_beside_it(file: ByHand, tmp_path: Path) -> None:
    copy = tmp_path / "back up" / "a%20b?.db"
    copy.parent.mkdir()
    copy.write_bytes(file.path.read_bytes())
    assert checked(ByHand(str(URL.create("sqlite", database=str(copy))))).problems == ()


def test_a_store_in_use_is_checked_with_all_that_was_answered(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with Engine(url, environment=KEY) as engine:
        engine.handle_many(STORY[:-1])
        engine.handle(STORY[-1])  # an erasure empties the write-ahead log
        assert (tmp_path / "huissier.db-wal").stat().st_size > 0
        before = {name: (tmp_path / name).read_bytes() for name in ("huissier.db", "huissier.db-wal")}
        assert check_store(url, environment=KEY) == Report(HEAD, HEAD, (), ())
        assert {name: (tmp_path / name).read_bytes() for name in before} == before
        assert engine.handle(write(DOCTOR, USAGER, at=NOW)).position == HEAD + 1


def test_what_a_crash_left_is_checked_and_stays(file: ByHand, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with Engine(file.url, environment=KEY) as engine:
        engine.handle(write(DOCTOR, USAGER, at=NOW))
        for name in ("huissier.db", "huissier.db-wal"):
            (crashed / name).write_bytes((tmp_path / name).read_bytes())
    before = {path.name: path.read_bytes() for path in crashed.iterdir()}
    assert check_store(f"sqlite:///{crashed / 'huissier.db'}", environment=KEY) == Report(HEAD + 1, HEAD + 1, (), ())
    assert {name: (crashed / name).read_bytes() for name in before} == before


def test_one_snapshot_is_checked_while_others_write(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 1_500)
    with Engine(store.url, environment=KEY) as engine:

        def meanwhile(_done: int, _of: int) -> None:
            engine.handle_many(RegisterOperator(operator=f"o-{_done}-{n}", kind="usager") for n in range(1_000))

        assert check_store(store.url, environment=KEY, progress=meanwhile) == Report(1_500, 1_500, (), ())
        assert engine.head == 3_500


def test_a_file_that_was_at_rest_and_is_written_meanwhile_is_not_judged(tmp_path: Path) -> None:
    store = store_of_operators(tmp_path, 1_500)

    def meanwhile(_done: int, _of: int) -> None:
        with Engine(store.url, environment=KEY) as engine:
            engine.handle(RegisterOperator(operator=f"new-{_done}", kind="usager"))

    with pytest.raises(StoreError, match="opened by somebody else while it was read; try again"):
        check_store(store.url, environment=KEY, progress=meanwhile)
    assert check_store(store.url, environment=KEY).problems == ()


# --- what cannot be checked


def test_what_is_no_store_of_today_is_refused_and_none_is_made(tmp_path: Path, new_database: Callable[[], str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear colleague")
    with pytest.raises(ForeignStoreError):
        check_store(f"sqlite:///{letter}")
    for url in (f"sqlite:///{tmp_path / 'none.db'}", "sqlite://", new_database()):
        with pytest.raises(StoreError, match=r"no store|always a new one"):
            check_store(url)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_stores_of_other_versions_are_refused(store: ByHand) -> None:
    for version, word in ((1, "huissier store migrate"), (7, "newer")):
        store.version = version
        before = files(store)
        with pytest.raises(StoreVersionError, match=word):
            check_store(store.url, environment=KEY)
        assert files(store) == before

"""A command that exists is readable: a bad value names its field, and nothing ever repeats an INS.

Each bad value comes in twice: as a JSON line, as programs send it, and through the Python constructor.
"""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec
import pytest
from msgspec import structs

import huissier
from huissier import AnyCommand, Invalid, RegisterOperator, VocabularyError
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import InvalidCommandError
from huissier.adapters.json_lines import Line, answer_lines
from huissier.adapters.testing.hospital import (
    CABINET,
    DOCTOR,
    GHT,
    HOSPITAL,
    NOW,
    SURGEON,
    USAGER,
    ins,
    operator,
    usager,
    world,
    write,
)
from huissier.domain import commands
from huissier.domain.vocabulary.ins import mentions_ins

INS = ins(7)
SPACED = f"{INS[0]} {INS[1:3]} {INS[3:5]} {INS[5:7]} {INS[7:10]} {INS[10:13]} {INS[13:]}"
FULL_WIDTH = INS.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
TYPES: tuple[type[AnyCommand], ...] = (*get_args(commands.OtherCommand), commands.SubmitMessage)

# One readable command a type, with every field it has.
READABLE: dict[str, dict[str, Any]] = {
    "register-operator": {"operator": "op", "kind": "usager", "name": "Nom"},
    "sign-instrument": {"operator": GHT, "instrument": "annexe-2", "referentiel": "1.5"},
    "admit-domain": {"domain": "a.fr", "operator": GHT, "certificate_dns": ["CN=a"], "hosted": True},
    "withdraw-domain": {"domain": CABINET, "operator": None, "certificate_dns": [], "hosted": False},
    "publish-cgu": {"operator": GHT, "version": "1", "deadline": "2026-12-31"},
    "sign-cgu": {"mailbox": DOCTOR, "version": "0"},
    "create-mailbox": {
        "address": f"bal@{HOSPITAL}",
        "kind": "ORG",
        "rpps": "10000000001",
        "adeli": "750000001",
        "finess": "990000001",
        "name": "Nom",
        "service": "Service",
        "secteur": "SA01",
        "liste_rouge": True,
    },
    "suspend-mailbox": {"address": DOCTOR, "motive": "motif"},
    "resume-mailbox": {"address": SURGEON, "motive": "motif"},
    "delete-mailbox": {"address": DOCTOR, "motive": "motif"},
    "set-liste-rouge": {"address": DOCTOR, "liste_rouge": True},
    "open-ens": {"ins": ins(4), "oid": "1.2.250.1.213.1.4.8"},
    "close-ens": {"ins": ins(1), "oid": "1.2.250.1.213.1.4.8"},
    "submit-message": {
        "id": "m-1",
        "sender": DOCTOR,
        "recipients": [USAGER],
        "reply_to": SURGEON,
        "subject": "objet",
        "mss_mes": "FIN",
        "in_reply_to": "<0@ch>",
        "message_id": "<1@ch>",
        "size": 1000,
        "certificate_dn": "CN=a",
        "certificate_cn": "a",
        "final_hop": True,
        "stage": "rcpt",
    },
    "report-delivery": {"id": "sent", "recipient": USAGER, "status": "undelivered", "cause": "cause"},
    "erase-usager": {"ins": ins(1)},
}

_NO_TEXT: list[Any] = [5, True, ["a"], {"a": "b"}]
_NAME: list[Any] = [*_NO_TEXT, "", "x" * 201, "a\x00b", "a\nb", "a\x7f", "a\x85b", INS, f"n° {SPACED}", FULL_WIDTH]
_WORDS: list[Any] = [*_NO_TEXT, "x" * 2001, "a\x00b"]
_RAW: list[Any] = [*_NO_TEXT, "x" * 4001]
_FLAG: list[Any] = ["true", "oui", 1, 0, []]
_NUMBER: list[Any] = [*_NO_TEXT, "", "1", "x", "1" * 15, INS, SPACED, "10000000001\n"]

# Every field of every command and what it must not be.
BAD: dict[str, list[Any]] = {
    "at": ["", "demain", "2026-10-31", "2026-10-31T09:00:00", "2026-13-01T00:00:00Z", INS, [], 5.5, True],
    "operator": _NAME,
    "kind": [*_NO_TEXT, "", "autre", "per", INS, f"{INS}@patient.mssante.fr"],
    "name": _WORDS,
    "service": _WORDS,
    "motive": _WORDS,
    "cause": _WORDS,
    "instrument": [*_NO_TEXT, "", "annexe-3", INS, SPACED],
    "referentiel": [1.4, *_NO_TEXT, "", "v1.4", "1.", "1,4", "1.4 ", "1.2.3.4.5", INS],
    "domain": [*_NO_TEXT, "", "fr", "a..fr", "-a.fr", "é.fr", "a b.fr", "x@a.fr", "a.fr\n", f"x y {INS}.fr"],
    "certificate_dns": [
        "CN=a",
        5,
        [5],
        [None],
        {},
        [""],
        ["qui"],
        ["CN="],
        ["CN=a", "C"],
        ["CN=a\\"],
        [INS],
        ["/"],
        ["/nonsense"],
        [f"CN={'<' * 1500}"],
        ["CN=" + "a" * 2046],
        [f"CN={INS}"],
    ],
    "hosted": _FLAG,
    "version": _NAME,
    "deadline": [*_NO_TEXT, "", "demain", "2026-13-01", "2026-02-30", "2026-10-31T09:00:00", INS],
    "mailbox": _RAW,
    "address": _RAW,
    "ins": _RAW,
    "sender": _RAW,
    "recipient": _RAW,
    "reply_to": _RAW,
    "in_reply_to": _RAW,
    "message_id": _RAW,
    "certificate_dn": _RAW,
    "certificate_cn": _RAW,
    "stage": [*_NO_TEXT, "", "data", "RCPT"],
    "rpps": _NUMBER,
    "adeli": _NUMBER,
    "finess": _NUMBER,
    "secteur": [*_NO_TEXT, "", "33", "SA3", "SA333", INS],
    "liste_rouge": _FLAG,
    "oid": [*_NO_TEXT, "", "1.2.3", INS],
    "id": [*_NO_TEXT, "", "x" * 513, "a\nb", "a\x00b", "a\x9fb"],
    "recipients": ["", DOCTOR, 5, {}, [], [5], [None], [[DOCTOR]], [DOCTOR, 5], ["x" * 4001], ["a@b.fr"] * 10_001],
    "subject": _NO_TEXT,
    "mss_mes": _NO_TEXT,
    "size": [-1, 10**12 + 1, 1.5, "1000", True, []],
    "final_hop": _FLAG,
    "status": [*_NO_TEXT, "", "lost", "Delivered", INS],
}


class Bad(NamedTuple):
    """A command that is readable but for one field."""

    type: type[AnyCommand]
    field: str
    value: Any

    @property
    def fields(self) -> dict[str, Any]:
        return {**READABLE[tag_of(self.type)], self.field: self.value}

    @property
    def line(self) -> bytes:
        return msgspec.json.encode({"type": tag_of(self.type), **self.fields})

    def __str__(self) -> str:
        return f"{tag_of(self.type)}.{self.field}={str(self.value)[:20]!r}"


def tag_of(command: type[AnyCommand]) -> str:
    return str(command.__struct_config__.tag)


def fields_of(command: type[AnyCommand]) -> list[str]:
    return [field.name for field in structs.fields(command)]


def bad_values() -> Iterator[Bad]:
    for command in TYPES:
        for field in structs.fields(command):
            values = [*BAD[field.name], None] if field.required else BAD[field.name]
            yield from (Bad(command, field.name, value) for value in values)


def is_of_its_type(bad: Bad) -> bool:
    """Say whether only its content is wrong, so that no type checker would find it."""
    return isinstance(bad.value, type(READABLE[tag_of(bad.type)].get(bad.field))) and bad.value not in ([5], [None], {})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all that is refused: nothing of it leaves a trace."""
    with huissier.open("sqlite://", clock=lambda: NOW) as opened:
        yield opened


def open_world() -> Engine:
    engine = huissier.open("sqlite://", clock=lambda: NOW)
    engine.handle_many([*world(), write(DOCTOR, USAGER, SURGEON, id="sent")])
    return engine


def test_every_field_of_every_command_is_in_these_tables() -> None:
    assert READABLE.keys() == {tag_of(command) for command in TYPES}
    assert BAD.keys() == {field for command in TYPES for field in fields_of(command)}
    for command in TYPES:
        assert {"at", *READABLE[tag_of(command)]} == set(fields_of(command))


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
def test_a_readable_command_is_the_same_from_json_and_from_python(command: type[AnyCommand]) -> None:
    fields = READABLE[tag_of(command)]
    line = msgspec.json.encode({"type": tag_of(command), "at": "2026-10-31T10:00:00+01:00", **fields})
    with open_world() as one, open_world() as other:
        (by_line,) = answer_lines(one, [Line(1, line)])
        by_object = other.handle(command(at=datetime.fromisoformat("2026-10-31T09:00:00+00:00"), **fields))
        assert by_line == by_object


@pytest.mark.parametrize("bad", list(bad_values()), ids=str)
def test_a_bad_value_in_a_line_is_answered_with_its_field_and_spares_its_neighbour(bad: Bad, engine: Engine) -> None:
    before = engine.head
    neighbour = msgspec.json.encode(RegisterOperator(operator=f"after {before}", kind="usager"))
    answers = answer_lines(engine, [Line(1, bad.line), Line(2, neighbour)])
    expect_named(answers[0].error if isinstance(answers[0], Invalid) else f"it was {answers[0].outcome}", bad)
    assert (answers[1].outcome, engine.head) == ("recorded", before + 1)


@pytest.mark.parametrize("bad", [bad for bad in bad_values() if is_of_its_type(bad)], ids=str)
def test_a_bad_value_in_python_is_an_error_that_names_its_field(bad: Bad, engine: Engine) -> None:
    before = engine.head
    with pytest.raises((VocabularyError, InvalidCommandError)) as problem:
        engine.handle(bad.type(**bad.fields))
    expect_named(str(problem.value), bad)
    assert engine.head == before


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
def test_a_value_of_another_type_in_python_is_an_error_that_names_its_field(
    command: type[AnyCommand], engine: Engine
) -> None:
    """What no type checker lets through, and a gateway written without one does."""
    accidents = {}
    for bad in bad_values():
        if bad.type is command and not is_of_its_type(bad):
            try:
                engine.handle(bad.type(**bad.fields))
                accidents[str(bad)] = "nothing was wrong"
            except (VocabularyError, InvalidCommandError) as problem:
                expect_named(str(problem), bad)
            except Exception as problem:
                accidents[str(bad)] = repr(problem)
    assert not accidents


def expect_named(error: str, bad: Bad) -> None:
    assert bad.field in error
    assert not mentions_ins(error)
    assert INS not in error
    assert len(error) < 300


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
def test_a_time_in_python_names_its_zone(command: type[AnyCommand]) -> None:
    with pytest.raises(VocabularyError, match="at: a time names its zone"):
        command(at=NOW.replace(tzinfo=None), **READABLE[tag_of(command)])


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
def test_a_missing_field_is_named(command: type[AnyCommand], engine: Engine) -> None:
    for field in (field.name for field in structs.fields(command) if field.required):
        fields = {name: value for name, value in READABLE[tag_of(command)].items() if name != field}
        (answer,) = answer_lines(engine, [Line(1, msgspec.json.encode({"type": tag_of(command), **fields}))])
        assert isinstance(answer, Invalid)
        assert f"`{field}`" in answer.error


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
@pytest.mark.parametrize("unknown", ["colour", "ID", INS, SPACED], ids=["colour", "ID", "an INS", "an INS in groups"])
def test_a_field_too_many_is_refused_and_an_ins_in_it_not_repeated(
    command: type[AnyCommand], unknown: str, engine: Engine
) -> None:
    line = msgspec.json.encode({"type": tag_of(command), **READABLE[tag_of(command)], unknown: 1})
    (answer,) = answer_lines(engine, [Line(7, line)])
    assert isinstance(answer, Invalid)
    assert answer.line == 7
    assert "unknown field" in answer.error
    assert not mentions_ins(answer.error)


@pytest.mark.parametrize("kind", ["", "submit", "Submit-Message", INS, SPACED, 5, None], ids=str)
def test_a_type_that_is_no_commands_is_refused_and_an_ins_in_it_not_repeated(kind: Any, engine: Engine) -> None:
    (answer,) = answer_lines(engine, [Line(1, msgspec.json.encode({"type": kind, "ins": INS}))])
    assert isinstance(answer, Invalid)
    assert "type" in answer.error
    assert not mentions_ins(answer.error)


def test_annexe_2_names_its_version() -> None:
    with pytest.raises(VocabularyError, match="referentiel"):
        huissier.SignInstrument(operator=GHT, instrument="annexe-2")


@pytest.mark.parametrize(
    "command",
    [
        huissier.SubmitMessage(id="m", sender=DOCTOR, recipients=[USAGER], certificate_dn="CN=a\\b\ud800"),
        huissier.SubmitMessage(id="m", sender=DOCTOR, recipients=[USAGER], certificate_dn="CN=\ud800"),
        huissier.SubmitMessage(id="m", sender="\ud800", recipients=["\udfff@a.fr"], reply_to="\ud800@a.fr"),
        huissier.SubmitMessage(id="m", sender=DOCTOR, recipients=[USAGER], subject="\ud800", mss_mes="\ud800"),
        huissier.SubmitMessage(id="m", sender=DOCTOR, recipients=[USAGER], message_id="\ud800", in_reply_to="\ud800"),
        huissier.SuspendMailbox(address="\ud800"),
        huissier.OpenEns(ins="\ud800"),
    ],
    ids=["certificate with an escape", "certificate", "addresses", "headers", "message ids", "mailbox", "ins"],
)
def test_bytes_that_are_no_utf_8_and_came_in_as_surrogates_get_an_answer(command: AnyCommand) -> None:
    """What a gateway decoded with `surrogateescape` is unreadable, not an accident."""
    with open_world() as engine:
        assert engine.handle(command).outcome in ("accepted", "refused", "rejected")


@pytest.mark.parametrize("field", ["operator", "kind", "name", "version", "motive", "id", "domain", "certificate_dns"])
def test_a_surrogate_in_what_is_kept_is_refused_by_name(field: str, engine: Engine) -> None:
    for command in TYPES:
        if field in fields_of(command):
            value: Any = ["CN=a\ud800"] if field == "certificate_dns" else "a\ud800"
            with pytest.raises((VocabularyError, InvalidCommandError), match=field):
                engine.handle(command(**{**READABLE[tag_of(command)], field: value}))


# Every way an INS might come in where it does not belong.
WITH_AN_INS = {
    "bare": INS,
    "in groups": SPACED,
    "full width": FULL_WIDTH,
    "without key": INS[:13],
    "in a sentence": f"le patient {SPACED} attend",
    "address": usager(7),
    "address with a tag": f"{INS}+x@patient.mssante.fr",
    "address of a domain": f"x@{INS}.mssante.fr",
    "domain": f"{INS}.mssante.fr",
    "distinguished name": f"CN={INS},C=FR",
    "version": f"{INS[:4]}.{INS[4:8]}.{INS[8:12]}.{INS[12:]}",
    "message id": f"<{INS}@ch.fr>",
    "wrong key": f"{INS[:13]}{98 - int(INS[13:]):02}",
}


def texts_to_poison() -> Iterator[tuple[type[AnyCommand], str]]:
    """Name every text of every command but the certificates': a structure's identifier looks like an INS there.

    IGC-Santé writes `OU=3` and a SIRET, 15 digits; refusing what looks like an INS would refuse real certificates.
    """
    for command in TYPES:
        fields = {name: value for name, value in READABLE[tag_of(command)].items() if name != "certificate_dns"}
        yield from ((command, name) for name, value in fields.items() if isinstance(value, str | list))


def test_a_certificate_that_names_a_siret_is_no_ins(engine: Engine) -> None:
    command = huissier.AdmitDomain(domain="a.fr", certificate_dns=["CN=mss.a.fr,OU=318751275100020,C=FR"])
    assert engine.handle(command).outcome == "recorded"


@pytest.mark.parametrize(
    ("command", "field"), list(texts_to_poison()), ids=lambda part: part if isinstance(part, str) else tag_of(part)
)
def test_no_field_brings_an_ins_into_the_log(command: type[AnyCommand], field: str) -> None:
    fields = READABLE[tag_of(command)]
    ids = {"id"} & fields.keys()
    with open_world() as engine:
        for name, text in WITH_AN_INS.items():
            value = [text] if isinstance(fields[field], list) else text
            with suppress(VocabularyError, InvalidCommandError):
                engine.handle(command(**{**fields, **dict.fromkeys(ids, name), field: value}))
            assert INS[:13] not in digits_in_log(engine), name


def digits_in_log(engine: Engine) -> str:
    """Return what the log holds, tags included, without what may stand between digits."""
    with engine.recorder.reading() as look:
        rows = look.after(0, 1000)
    text = "\n".join(data.decode() + " ".join(tags) for _, data, tags in rows)
    return re.sub(r"[^0-9A-Za-z]", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("command", TYPES, ids=tag_of)
def test_no_repr_of_a_command_shows_an_ins(command: type[AnyCommand]) -> None:
    """DESIGN.md, Identity: no INS in exception texts, logs, metrics, or `repr`."""
    fields = READABLE[tag_of(command)]
    poison = {"ins": INS, "address": usager(7), "mailbox": usager(7), "sender": usager(7), "recipient": usager(7)}
    poison |= {"reply_to": usager(7), "message_id": f"<{INS}@ch.fr>", "subject": SPACED, "id": INS}
    poisoned = {**fields, **{name: text for name, text in poison.items() if name in fields}}
    if "recipients" in fields:
        poisoned["recipients"] = [usager(7)]
    assert not mentions_ins(repr(command(**poisoned)))


def test_no_repr_of_an_answer_shows_an_ins() -> None:
    with open_world() as engine:
        answer = engine.handle(write(DOCTOR, usager(7), id=INS))
        assert answer.verdicts[0].recipient == usager(7)
        assert not mentions_ins(repr(answer))
        assert not mentions_ins(repr(answer.verdicts))


def test_an_operator_without_a_name_is_no_operator() -> None:
    assert all(isinstance(command, commands.Command) for command in operator())
    with pytest.raises(InvalidCommandError, match="operator"), huissier.open("sqlite://") as engine:
        engine.handle(RegisterOperator(operator="", kind="usager"))


def test_reprs_show_no_ins() -> None:
    with open_world() as engine:
        told: list[AnyCommand] = [
            commands.OpenEns(ins=INS),
            write(DOCTOR, usager(7), id="m-1"),
            commands.ReportDelivery(id="m-1", recipient=usager(7), status="delivered"),
            commands.SuspendMailbox(address=usager(7)),
        ]
        for command in told:
            assert INS not in repr(command)
            assert INS not in repr(engine.handle(command))
        assert INS not in repr(engine.check(write(DOCTOR, usager(7))))
        assert SURGEON in repr(write(DOCTOR, SURGEON))


def test_an_operators_name_is_no_place_for_an_ins() -> None:
    with pytest.raises(VocabularyError, match="operator"):
        RegisterOperator(operator=INS, kind="usager")


AT_ONCE = """
import sys, threading
from huissier.adapters.validation import validated
from huissier.domain.commands import SubmitMessage
sys.setswitchinterval(1e-6)
begin = threading.Barrier(8)
def first():
    command = SubmitMessage(id="m", sender="a@b.fr", recipients=["c@d.fr"])
    begin.wait()
    validated(command)
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_that_ask_for_the_first_time_at_once_are_all_answered() -> None:
    for _ in range(10):
        assert subprocess.run([sys.executable, "-c", AT_ONCE], check=False).returncode == 0

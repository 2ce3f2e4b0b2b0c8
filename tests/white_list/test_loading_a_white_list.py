"""Loading a white list records exactly what it changes in the trust space, and an old list changes nothing."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import WhiteListError
from huissier.adapters.log import codec
from huissier.adapters.testing.white_lists import make_signer, pem, signed_list
from huissier.adapters.white_list.file import read_white_list
from huissier.adapters.white_list.loading import WhiteListReport
from huissier.domain.commands import AdmitDomain, CreateMailbox, RegisterOperator, SubmitMessage, WithdrawDomain
from huissier.domain.events import AnyEvent, DomainAdmitted, DomainWithdrawn, WhiteListLoaded
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.white_list import WhiteList
from tests.command_line import huissier

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
Pairs = Mapping[str, set[str]]
A, B, C = "a.mssante.fr", "b.mssante.fr", "c.mssante.fr"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine("sqlite://", clock=lambda: NOW) as engine:
        yield engine


def white_list(pairs: Pairs, generated_at: datetime = NOW - 10 * DAY) -> WhiteList:
    content = json.dumps([{name: sorted(dns) for name, dns in sorted(pairs.items())}, generated_at.isoformat()])
    return WhiteList(
        generated_at=generated_at,
        sha256=sha256(content.encode()).hexdigest(),
        signer="CN=test",
        rows=sum(map(len, pairs.values())),
        pairs={name: frozenset(map(CertificateDn.parse, dns)) for name, dns in pairs.items()},
    )


def facts(engine: Engine, after: int = 0) -> list[AnyEvent]:
    return [codec.decode(s.event.data, s.position).event for s in engine.recorder.read(after=after)]


def counts(report: WhiteListReport) -> tuple[int, int, int]:
    return report.admitted, report.withdrawn, report.moved


def is_admitted(engine: Engine, domain: str, dn: str | None = None, at: datetime = NOW) -> bool:
    command = SubmitMessage(id="x", sender=f"x@{domain}", recipients=[f"y@{domain}"], certificate_dn=dn, at=at)
    return engine.check(command).outcome == "accepted"


def test_the_first_list_admits_all_its_pairs_at_its_own_date(engine: Engine) -> None:
    report = engine.load_white_list(white_list({A: {"CN=1", "CN=2"}, B: {"CN=1"}}))
    assert counts(report) == (3, 0, 0)
    assert (report.rows, report.domains, report.pairs) == (3, 2, 3)
    *changes, loaded = facts(engine)
    assert {type(change) for change in changes} == {DomainAdmitted}
    assert isinstance(loaded, WhiteListLoaded)
    assert {fact.at for fact in facts(engine)} == {NOW - 10 * DAY}
    assert is_admitted(engine, A, "CN=2", NOW - 10 * DAY)
    assert not is_admitted(engine, A, "CN=3")
    assert not is_admitted(engine, A, at=NOW - 11 * DAY)


def test_the_same_list_again_appends_nothing(engine: Engine) -> None:
    engine.load_white_list(white_list({A: {"CN=1"}}))
    head = engine.head
    assert counts(engine.load_white_list(white_list({A: {"CN=1"}}))) == (0, 0, 0)
    assert engine.head == head


def test_a_newer_list_appends_exactly_the_differences(engine: Engine) -> None:
    engine.load_white_list(white_list({A: {"CN=1", "CN=2"}, B: {"CN=1"}, C: {"CN=3"}}))
    head = engine.head
    report = engine.load_white_list(white_list({A: {"CN=1", "CN=4"}, C: {"CN=3"}}, NOW - DAY))
    assert counts(report) == (1, 2, 1)
    assert [type(fact) for fact in facts(engine, head)] == [
        DomainAdmitted, DomainWithdrawn, DomainWithdrawn, WhiteListLoaded,
    ]  # fmt: skip
    assert is_admitted(engine, A, "CN=4")
    assert not is_admitted(engine, A, "CN=2")
    assert not is_admitted(engine, B)
    assert is_admitted(engine, B, at=NOW - 2 * DAY)
    assert is_admitted(engine, C, "CN=3")


def test_a_newer_list_without_differences_is_remembered_so_that_an_older_one_stays_out(engine: Engine) -> None:
    engine.load_white_list(white_list({A: {"CN=1"}}, NOW - 10 * DAY))
    engine.load_white_list(white_list({A: {"CN=1"}}, NOW - 5 * DAY))
    with pytest.raises(WhiteListError, match="older than the one loaded last"):
        engine.load_white_list(white_list({B: {"CN=1"}}, NOW - 7 * DAY))
    assert not is_admitted(engine, B)


def test_a_list_older_than_the_last_is_refused_and_taken_only_by_name(engine: Engine) -> None:
    old, new = white_list({A: {"CN=1"}}, NOW - 10 * DAY), white_list({B: {"CN=1"}}, NOW - 5 * DAY)
    engine.load_white_list(new)
    head = engine.head
    with pytest.raises(WhiteListError, match="older"):
        engine.load_white_list(old)
    assert engine.head == head
    assert counts(engine.load_white_list(old, allow_older=True)) == (1, 1, 0)
    assert is_admitted(engine, A)
    assert not is_admitted(engine, B)
    assert is_admitted(engine, B, at=NOW - DAY)
    assert counts(engine.load_white_list(new)) == (1, 1, 0)
    assert is_admitted(engine, B)
    assert not is_admitted(engine, A)


def test_a_list_older_than_the_given_age_is_refused(engine: Engine) -> None:
    with pytest.raises(WhiteListError, match="older than 9 days"):
        engine.load_white_list(white_list({A: {"CN=1"}}), max_age=9 * DAY)
    assert engine.head == 0
    assert counts(engine.load_white_list(white_list({A: {"CN=1"}}), max_age=10 * DAY)) == (1, 0, 0)


def test_a_list_from_the_future_is_refused_even_by_name(engine: Engine) -> None:
    for allow_older in (False, True):
        with pytest.raises(WhiteListError, match="future"):
            engine.load_white_list(white_list({A: {"CN=1"}}, NOW + 2 * DAY), allow_older=allow_older)
    assert engine.head == 0


def test_what_is_known_of_a_hosted_domain_survives_the_list(engine: Engine) -> None:
    engine.handle(RegisterOperator(operator="ght", kind="professionnel", at=NOW - 30 * DAY))
    engine.handle(AdmitDomain(domain=A, operator="ght", hosted=True, at=NOW - 30 * DAY))
    engine.load_white_list(white_list({A: {"CN=1"}}))
    engine.load_white_list(white_list({B: {"CN=1"}}, NOW - 5 * DAY))
    engine.load_white_list(white_list({A: {"CN=2"}}, NOW - 2 * DAY))
    answer = engine.handle(CreateMailbox(address=f"dr@{A}", kind="PER"))
    assert answer.outcome == "recorded"
    assert engine.check(SubmitMessage(id="x", sender=f"no@{A}", recipients=[f"dr@{A}"]))[0].reasons[0].code == (
        "SENDER_UNKNOWN"
    )


def test_a_domain_admitted_by_hand_before_a_list_without_it_is_withdrawn(engine: Engine) -> None:
    engine.handle(AdmitDomain(domain=C, at=NOW - 30 * DAY))
    engine.handle(AdmitDomain(domain=B, at=NOW - DAY))
    assert counts(engine.load_white_list(white_list({A: {"CN=1"}}))) == (1, 1, 0)
    assert not is_admitted(engine, C)
    assert is_admitted(engine, B)


def test_a_withdrawal_by_hand_after_the_list_stays_when_it_is_loaded_again(engine: Engine) -> None:
    engine.load_white_list(white_list({A: {"CN=1"}}))
    engine.handle(WithdrawDomain(domain=A))
    head = engine.head
    engine.load_white_list(white_list({A: {"CN=1"}}))
    assert engine.head == head
    assert not is_admitted(engine, A)


LISTS = st.dictionaries(st.sampled_from([A, B, C]), st.sets(st.sampled_from(["CN=1", "CN=2", "CN=3"]), min_size=1))


@settings(max_examples=60, deadline=None)
@given(st.lists(LISTS.filter(bool), min_size=1, max_size=5))
def test_after_every_list_the_trust_space_is_what_the_list_says(lists: list[dict[str, set[str]]]) -> None:
    before: set[tuple[str, str]] = set()
    with Engine("sqlite://", clock=lambda: NOW) as engine:
        for number, pairs in enumerate(lists):
            report = engine.load_white_list(white_list(pairs, NOW - (20 - number) * DAY))
            wanted = {(name, dn) for name, dns in pairs.items() for dn in dns}
            assert (report.admitted, report.withdrawn) == (len(wanted - before), len(before - wanted))
            for domain in (A, B, C):
                for dn in ("CN=1", "CN=2", "CN=3"):
                    assert is_admitted(engine, domain, dn) == ((domain, dn) in wanted)
            before = wanted


def test_the_command_line_loads_a_signed_list_once_and_a_changed_byte_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "list.xml").write_bytes(signed_list())
    (tmp_path / "trust.pem").write_bytes(pem(make_signer()))
    load = ("whitelist", "load", "list.xml", "--trust", "trust.pem", "--json")
    first = json.loads(huissier(*load, cwd=tmp_path).stdout)
    assert {"rows", "domains", "pairs", "admitted", "withdrawn", "generated_at"} <= set(first)
    assert first["admitted"] == first["pairs"] > 0
    store = f"sqlite:///{tmp_path / 'huissier.db'}"
    with Engine(store) as engine:
        head = engine.head
    again = json.loads(huissier(*load, cwd=tmp_path).stdout)
    assert (again["admitted"], again["withdrawn"]) == (0, 0)
    changed = bytearray(signed_list())
    changed[changed.index(b".mssante.fr")] ^= 1
    (tmp_path / "list.xml").write_bytes(changed)
    refused = huissier(*load, cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("huissier: ")
    with Engine(store) as engine:
        assert engine.head == head


def test_the_command_line_refuses_what_is_no_signed_list_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "list.xml").write_text("<nothing/>")
    (tmp_path / "trust.pem").write_text("nothing")
    done = huissier("whitelist", "load", "list.xml", "--trust", "trust.pem", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("huissier: ")
    assert done.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == {"list.xml", "trust.pem"}


def test_a_signed_list_cannot_bring_in_a_name_that_is_never_read_again(tmp_path: Path) -> None:
    rows = [("ch-a.mssante.fr", f'CN="{"," * 1500}"')]
    (tmp_path / "list.xml").write_bytes(signed_list(rows, signer=make_signer()))
    (tmp_path / "trust.pem").write_bytes(pem(make_signer()))
    done = huissier("whitelist", "load", "list.xml", "--trust", "trust.pem", cwd=tmp_path)
    assert done.returncode == 1
    assert "row 1" in done.stderr


def test_bytes_outside_what_was_signed_change_nothing(tmp_path: Path) -> None:
    content = signed_list(signer=make_signer())
    (tmp_path / "trust.pem").write_bytes(pem(make_signer()))
    with Engine(f"sqlite:///{tmp_path / 'huissier.db'}") as engine:
        heads = []
        for changed in (content, content + b"\n", content.replace(b"<Nom>", b"<Nom >", 1), content):
            (tmp_path / "list.xml").write_bytes(changed)
            engine.load_white_list(read_white_list(tmp_path / "list.xml", tmp_path / "trust.pem"))
            heads.append(engine.head)
    assert len(set(heads)) == 1

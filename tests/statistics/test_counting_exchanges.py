"""What the projection counts is what the log says, however it was folded, as of any position, on both databases."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.place import Place
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    GHT,
    HOSPITAL,
    MES,
    NOBODY,
    NOW,
    OTHER_USAGER,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SINCE,
    SURGEON,
    USAGER,
    corsican_ins,
    ins,
    lost,
    moment,
    reach,
    received,
    world,
    write,
)
from huissier.adapters.testing.strategies import histories
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.entries import entry_of
from huissier.adapters.views.generations import Generations
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import AdmitDomain, AnyCommand, CreateMailbox, RegisterOperator
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.times import FIRST, LAST
from huissier.projections import exchange_ends, exchange_folding
from huissier.projections.exchanges import Exchange, Exchanges
from huissier.projections.months import month_of
from tests.properties import histories_looked_at, told_shortly
from tests.statistics.twin import File, Twin

Files = dict[File, list[Exchange]]
PAGES = st.sampled_from((1, 2, 3, 7, 2_000))


@pytest.fixture(autouse=True, scope="module")
def little_is_taken_or_remembered_at_once() -> Iterator[None]:
    """What a page is cut into, and what is forgotten between pages, would not be seen in short histories."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange_folding, "_MOST_WAITING", 3)
        patch.setattr(exchange_ends, "_MOST_REMEMBERED", 8)
        yield


def files(runner: Runner[Exchanges], position: int) -> Files:
    """Return every file that has lines as of a position."""
    with runner.reading() as (connection, exchanges):
        named = {(totals.domain, totals.month) for totals in exchanges.totals(connection)}
        found = {file: list(exchanges.exchanges(connection, *file, position)) for file in named}
    return {file: lines for file, lines in found.items() if lines}


def agree(database: ViewsDatabase, history: list[AnyCommand], page: int, cut: int) -> None:
    """Fold part of a history, then the rest in other pages, then all anew; compare with the twin each time."""
    with Engine("sqlite://") as engine:
        engine.handle_many(history[:cut])
        half = engine.head
        Runner(engine.log, database, Exchanges, page=page).rebuild()
        engine.handle_many(history[cut:])
        kept_up = Runner(engine.log, database, Exchanges, page=page + 1)
        kept_up.catch_up()
        assert files(kept_up, engine.head) == Twin(engine, engine.head).files()
        assert files(kept_up, half) == Twin(engine, half).files()
        before = files(kept_up, engine.head)
        kept_up.rebuild()
        assert files(kept_up, engine.head) == before


@histories_looked_at(10)
@given(history=histories(min_size=8), options=st.just(Options()), page=PAGES, cut=st.integers(0, 40))
@told_shortly
def test_counts_are_what_the_log_says(history: list[AnyCommand], options: Options, page: int, cut: int) -> None:
    with ViewsDatabase(Place("sqlite://")) as database:
        agree(database, history, page, cut)


def test_counts_are_what_the_log_says_on_postgresql_too(new_database: Callable[[], str]) -> None:
    with ViewsDatabase(Place(new_database())) as database:

        @histories_looked_at(6)
        @given(history=histories(min_size=8), options=st.just(Options()), page=PAGES, cut=st.integers(0, 40))
        @told_shortly
        def shown(history: list[AnyCommand], options: Options, page: int, cut: int) -> None:
            agree(database, history, page, cut)

        shown()


# --- scenarios

MONTH = 202610


def counted(
    *commands: AnyCommand, domain: str = HOSPITAL, month: int = MONTH, options: Options | None = None
) -> list[Exchange]:
    """Return the lines of a file after some commands in the small hospital world."""
    with Engine("sqlite://", options=options) as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many([*world(), *commands])
        runner = Runner(engine.log, database, Exchanges)
        runner.catch_up()
        return files(runner, engine.head).get((domain, month), [])


def test_messages_between_two_are_one_line() -> None:
    assert counted(
        write(DOCTOR, REMOTE_DOCTOR, id="a", at=NOW),
        write(DOCTOR, REMOTE_DOCTOR, id="b", at=NOW),
        reach(DOCTOR, REMOTE_DOCTOR, at=NOW),
        write(DOCTOR, REMOTE_DOCTOR, at=NOW),
        received("a", REMOTE_DOCTOR, NOW),
        lost("b", REMOTE_DOCTOR, NOW),
    ) == [Exchange(DOCTOR, REMOTE_DOCTOR, "PER", "EXTERNE", 4, 0, 2, 1)]


def test_usagers_are_called_usager_and_are_one_line() -> None:
    lines = [
        Exchange(DOCTOR, "usager", "PER", "USAGER", 3, 0, 3, 0),
        Exchange("usager", DOCTOR, "USAGER", "PER", 1, 1, 0, 0),
    ]
    told = (
        reach(DOCTOR, USAGER, OTHER_USAGER, at=NOW),
        reach(DOCTOR, USAGER.upper(), at=NOW),
        write(USAGER, DOCTOR, at=NOW),
        write(f"{ins(7)}@{PATIENTS}", DOCTOR, at=NOW),
    )
    assert counted(*told) == lines
    assert counted(*told, domain=PATIENTS) == lines


def test_what_passed_in_shadow_was_exchanged_but_never_delivered() -> None:
    in_shadow = write(USAGER, DOCTOR, at=NOW, final_hop=True, stage="end-of-message")
    assert counted(in_shadow, options=Options(shadow_reasons=("CONTACT_NOT_OPENED",))) == [
        Exchange("usager", DOCTOR, "USAGER", "PER", 1, 0, 0, 0)
    ]


def test_whose_domain_is_known_late_to_be_usagers_is_called_usager_from_then_on() -> None:
    told = [
        write(DOCTOR, "jean.exemple@mes.exemple.fr", "jean@xmes.exemple.fr", at=NOW),
        write("jean.exemple@mes.exemple.fr", DOCTOR, at=NOW),
    ]
    late: list[AnyCommand] = [
        RegisterOperator(at=SINCE, operator="mes", kind="usager", name="Mes"),
        AdmitDomain(at=SINCE, domain="mes.exemple.fr", operator="mes"),
    ]
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many([*world(), *told])
        before = engine.head
        engine.handle_many(late)
        runner = Runner(engine.log, database, Exchanges)
        runner.catch_up()
        stranger = Exchange(DOCTOR, "jean@xmes.exemple.fr", "PER", "EXTERNE", 0, 1, 0, 0)
        assert files(runner, engine.head)[HOSPITAL, MONTH] == [
            stranger,
            Exchange(DOCTOR, "usager", "PER", "USAGER", 0, 1, 0, 0),
            Exchange("usager", DOCTOR, "USAGER", "PER", 0, 1, 0, 0),
        ]
        assert files(runner, before)[HOSPITAL, MONTH] == [
            Exchange(DOCTOR, "jean.exemple@mes.exemple.fr", "PER", "EXTERNE", 0, 1, 0, 0),
            stranger,
            Exchange("jean.exemple@mes.exemple.fr", DOCTOR, "EXTERNE", "PER", 0, 1, 0, 0),
        ]


@pytest.mark.parametrize("server", [False, True])
def test_usagers_may_have_any_number_of_domains(server: bool, request: pytest.FixtureRequest) -> None:
    new_database: Callable[[], str] | None = request.getfixturevalue("new_database") if server else None
    domains = [AdmitDomain(at=SINCE, domain=f"d{number}.mssante.fr", operator=MES) for number in range(1_100)]
    with (
        Engine("sqlite://") as engine,
        ViewsDatabase(Place("sqlite://" if new_database is None else new_database())) as database,
    ):
        engine.handle_many([*world(), write(DOCTOR, "x@d1.mssante.fr", "x@xd1.mssante.fr", at=NOW), *domains])
        runner = Runner(engine.log, database, Exchanges)
        runner.catch_up()
        assert files(runner, engine.head)[HOSPITAL, MONTH] == [
            Exchange(DOCTOR, "usager", "PER", "USAGER", 0, 1, 0, 0),
            Exchange(DOCTOR, "x@xd1.mssante.fr", "PER", "EXTERNE", 0, 1, 0, 0),
        ]


def test_an_ins_on_any_other_domain_is_a_usager_too() -> None:
    assert counted(write(DOCTOR, f"{ins(5)}@{CABINET}", f"{ins(6)}@example.org", at=NOW)) == [
        Exchange(DOCTOR, "usager", "PER", "USAGER", 1, 1, 0, 0)
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        f'"{ins(7)}"@{PATIENTS}',
        f"{ins(7)}+tag@{PATIENTS}",
        f"{ins(7)}%{PATIENTS}@relais.example.org",
        f"<{ins(7)}@{PATIENTS}>",
        f"M. Exemple <{ins(7)}@{PATIENTS}>",
        f" {ins(7)} @{PATIENTS.upper()} ",
        f"{ins(7)[:13]}@{PATIENTS}",
        f"{' '.join(ins(7))}@{PATIENTS}",
        f"{corsican_ins(7)}.@{PATIENTS}",
        f"0{ins(7)[1:]}@{PATIENTS}",
        f'"un usager"@{PATIENTS}.',
    ],
)
def test_a_usager_is_called_so_in_spellings_that_are_no_address(spelling: str) -> None:
    told = (write(spelling, DOCTOR, at=NOW), write(DOCTOR, spelling, "no address", NOBODY, at=NOW))
    assert counted(*told) == [
        Exchange(DOCTOR, "", "PER", "EXTERNE", 0, 1, 0, 0),
        Exchange(DOCTOR, NOBODY, "PER", "EXTERNE", 0, 1, 0, 0),
        Exchange(DOCTOR, "usager", "PER", "USAGER", 0, 1, 0, 0),
        Exchange("usager", DOCTOR, "USAGER", "PER", 0, 1, 0, 0),
    ]


def test_pages_may_be_folded_in_turn_by_two_who_remember(tmp_path: Path) -> None:
    told = [
        *world(),
        *(write(DOCTOR, f"new.{number}@{HOSPITAL}", USAGER, at=NOW) for number in range(5)),
        *(CreateMailbox(at=SINCE, address=f"new.{number}@{HOSPITAL}", kind="ORG") for number in range(5)),
        *(write(f"new.{number}@{HOSPITAL}", DOCTOR, at=NOW) for number in range(5)),
        AdmitDomain(at=SINCE, domain=CABINET, hosted=True),
        *(write(f"new.{number}@{HOSPITAL}", REMOTE_DOCTOR, at=NOW) for number in range(5)),
    ]
    with Engine("sqlite://") as engine, ViewsDatabase(Place(f"sqlite:///{tmp_path}/alone.db")) as database:
        engine.handle_many(told)
        with engine.log.reading() as look:
            entries = [entry_of(*row) for row in look.facts_after(0, 1_000)]
        runner = Runner(engine.log, database, Exchanges)
        generations = Generations(database, Exchanges)
        generation = generations.begin()
        two = Exchanges(generation), Exchanges(generation)
        with database.writing() as connection:
            for number, entry in enumerate(entries):
                two[number // 2 % 2].fold(connection, [entry])
        generations.go_live(generation, lambda: engine.head)
        assert files(runner, engine.head) == Twin(engine, engine.head).files()


def test_an_address_that_makes_an_ins_with_its_domain_keeps_no_file_from_being_written() -> None:
    assert counted(write(f"x.{ins(1)[:6]}@{ins(1)[6:]}.example.org", DOCTOR, at=NOW)) == [
        Exchange("usager", DOCTOR, "USAGER", "PER", 0, 1, 0, 0)
    ]


def test_what_was_refused_is_counted_to_whom_it_was_meant_for() -> None:
    assert counted(write(DOCTOR, OUTSIDER, "no address", at=NOW), write(OUTSIDER, NOBODY, at=NOW)) == [
        Exchange(DOCTOR, "", "PER", "EXTERNE", 0, 1, 0, 0),
        Exchange(DOCTOR, OUTSIDER, "PER", "EXTERNE", 0, 1, 0, 0),
        Exchange(OUTSIDER, NOBODY, "EXTERNE", "EXTERNE", 0, 1, 0, 0),
    ]


def test_a_delivery_counts_in_the_month_of_its_message() -> None:
    sent, arrived = moment("2026-09-30T21:00"), moment("2026-10-02")
    lines = [Exchange(DOCTOR, SURGEON, "PER", "PER", 1, 0, 1, 0)]
    told = (write(DOCTOR, SURGEON, id="a", at=sent), received("a", SURGEON, arrived))
    assert counted(*told, month=202609) == lines
    assert counted(*told, month=202610) == []


def test_what_was_received_stays_received_in_whatever_order_it_is_told() -> None:
    line = [Exchange(DOCTOR, SURGEON, "PER", "PER", 1, 0, 1, 0)]
    sent = write(DOCTOR, SURGEON, id="a", at=NOW)
    reports = (lost("a", SURGEON, NOW + DAY), received("a", SURGEON, NOW + 2 * DAY))
    assert counted(sent, *reports) == line
    assert counted(sent, *reversed(reports)) == line
    assert counted(sent, reports[1], received("a", SURGEON, NOW + DAY)) == line


def test_a_domain_held_for_part_of_a_month_has_the_messages_of_that_part() -> None:
    middle = moment("2026-10-15")
    told = (
        write(DOCTOR, REMOTE_DOCTOR, at=middle - DAY),
        AdmitDomain(at=middle, domain=CABINET, operator=GHT, hosted=True),
        CreateMailbox(at=middle, address=REMOTE_DOCTOR, kind="CAB"),
        write(DOCTOR, REMOTE_DOCTOR, at=middle + DAY),
        AdmitDomain(at=middle + 2 * DAY, domain=CABINET, hosted=False),
        write(DOCTOR, REMOTE_DOCTOR, at=middle + 3 * DAY),
    )
    assert counted(*told, domain=CABINET) == [Exchange(DOCTOR, REMOTE_DOCTOR, "PER", "CAB", 1, 0, 0, 0)]
    assert counted(*told) == [Exchange(DOCTOR, REMOTE_DOCTOR, "PER", "CAB", 3, 0, 0, 0)]


def test_a_message_has_the_types_of_its_time() -> None:
    new = f"nouveau@{HOSPITAL}"
    late = (CreateMailbox(at=NOW, address=new, kind="APP"), write(DOCTOR, new, at=NOW - DAY))
    assert counted(*late) == [Exchange(DOCTOR, new, "PER", "EXTERNE", 0, 1, 0, 0)]
    assert counted(*late, CreateMailbox(at=SINCE, address=new, kind="APP"), write(DOCTOR, new, at=NOW - DAY)) == [
        Exchange(DOCTOR, new, "PER", "APP", 1, 1, 0, 0)
    ]


def test_domains_held_in_a_month_are_named_whether_they_had_mail_or_not() -> None:
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many(
            [
                *world(),
                AdmitDomain(at=moment("2026-10-15"), domain=CABINET, operator=GHT, hosted=True),
                AdmitDomain(at=moment("2026-10-16"), domain=CABINET, hosted=False),
            ]
        )
        runner = Runner(engine.log, database, Exchanges)
        runner.catch_up()
        with runner.reading() as (connection, exchanges):
            assert exchanges.hosted_in(connection, 202609) == [HOSPITAL, PATIENTS]
            assert exchanges.hosted_in(connection, 202610) == [CABINET, HOSPITAL, PATIENTS]
            assert exchanges.hosted_in(connection, 202611) == [HOSPITAL, PATIENTS]


@pytest.mark.parametrize("at", [FIRST, FIRST + 40 * DAY, LAST - 40 * DAY, LAST])
def test_a_message_at_the_bounds_of_the_calendar_is_counted(at: datetime) -> None:
    told = (AdmitDomain(at=FIRST, domain=CABINET, hosted=True), write(DOCTOR, f"anyone@{CABINET}", at=at))
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many([*world(), *told, write(DOCTOR, f"other@{CABINET}", at=NOW)])
        runner = Runner(engine.log, database, Exchanges)
        runner.catch_up()
        assert files(runner, engine.head) == Twin(engine, engine.head).files()
        assert (CABINET, month_of(at)) in files(runner, engine.head)


def test_a_domain_held_from_the_fact_before_on_is_known_within_the_same_page() -> None:
    new = f"anyone@{CABINET}"
    told = (AdmitDomain(at=SINCE, domain=CABINET, hosted=True), write(DOCTOR, new, at=NOW))
    assert counted(*told, domain=CABINET) == [Exchange(DOCTOR, new, "PER", "EXTERNE", 0, 1, 0, 0)]

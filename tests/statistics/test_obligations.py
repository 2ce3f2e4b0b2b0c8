"""Which operator lacks which instrument and since when, and which mailboxes have not signed the CGU."""

from collections.abc import Callable, Iterable
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
    INSTANT,
    MES,
    NOW,
    SECRETARIAT,
    SINCE,
    SURGEON,
    cabinet,
    hospital,
    hospital_domain,
    hospital_mailboxes,
    ins,
    moment,
    operator,
    patients,
)
from huissier.adapters.testing.strategies import histories, options
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    PublishCgu,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    WithdrawDomain,
)
from huissier.domain.obligations import CguLacking, InstrumentLacking
from huissier.domain.rule_set import SHIPPED, Options, RuleBook
from huissier.projections.obligations import Obligations
from tests.command_line import huissier
from tests.properties import histories_looked_at, told_shortly

Found = list[InstrumentLacking | CguLacking]
DEADLINE = moment("2021-11-26")
BROUGHT_IN = moment("2021-05-26")


def lacking(*commands: AnyCommand, at: datetime = NOW, policy: Options | None = None) -> Found:
    """Return what is lacking at a time, when these commands were told."""
    with Engine("sqlite://", options=policy) as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many(commands)
        return found(engine, database, at, policy or Options())


def found(engine: Engine, database: ViewsDatabase, at: datetime, policy: Options) -> Found:
    runner = Runner(engine.log, database, Obligations)
    runner.catch_up()
    with runner.reading() as (connection, obligations):
        return list(obligations.lacking(connection, RuleBook(policy).at(at), at))


# --- instruments


def test_an_operator_that_signed_everything_lacks_nothing() -> None:
    assert lacking(*hospital(), cabinet()) == []


def test_annexe_2_for_1_4_has_six_months_and_is_lacking_then() -> None:
    told = [*operator(annexe_2="1.3.1"), hospital_domain()]
    annexe_2 = InstrumentLacking(GHT, "annexe-2", "1.4", (HOSPITAL,), DEADLINE, None)
    assert lacking(*told, at=BROUGHT_IN - INSTANT) == []
    assert lacking(*told, at=BROUGHT_IN) == [annexe_2]
    assert lacking(*told, at=DEADLINE - INSTANT) == [annexe_2]
    overdue = InstrumentLacking(GHT, "annexe-2", "1.4", (HOSPITAL,), DEADLINE, DEADLINE)
    assert lacking(*told, at=DEADLINE) == [overdue]
    assert lacking(*told, at=NOW) == [overdue]
    signed = SignInstrument(at=NOW, operator=GHT, instrument="annexe-2", referentiel="1.5")
    assert lacking(*told, signed, at=NOW) == []
    assert lacking(*told, signed, at=NOW - INSTANT) == [overdue]


def test_the_contrat_is_lacking_since_the_operator_hosts() -> None:
    late = AdmitDomain(at=NOW - DAY, domain=HOSPITAL, operator=GHT, hosted=True)
    assert lacking(*operator(contrat=False, annexe_2=None), late) == [
        InstrumentLacking(GHT, "contrat", None, (HOSPITAL,), None, NOW - DAY),
        InstrumentLacking(GHT, "annexe-2", "1.4", (HOSPITAL,), DEADLINE, NOW - DAY),
    ]


def test_what_was_lacking_is_not_changed_by_who_hosts_later() -> None:
    told = [*operator(contrat=False, annexe_2="1.4"), hospital_domain()]
    since = InstrumentLacking(GHT, "contrat", None, (HOSPITAL,), None, SINCE)
    later = AdmitDomain(at=NOW, domain=HOSPITAL, operator="other", hosted=True)
    assert lacking(*told, *operator("other"), later, at=NOW - INSTANT) == [since]
    assert lacking(*told, *operator("other"), later, at=NOW) == []


def test_the_avenant_is_asked_of_whoever_was_already_in_the_space() -> None:
    before = Options(avenant_for_contracts_before=SINCE + DAY)
    told = [*operator(), hospital_domain()]
    assert lacking(*told, policy=before) == [
        InstrumentLacking(GHT, "avenant-1-02-2020", None, (HOSPITAL,), DEADLINE, DEADLINE)
    ]
    assert lacking(*told, SignInstrument(at=NOW, operator=GHT, instrument="avenant-1-02-2020"), policy=before) == []


def test_only_operators_of_hosted_domains_are_asked() -> None:
    told = operator(contrat=False, annexe_2=None)
    assert lacking(*told, AdmitDomain(at=SINCE, domain=CABINET, operator=GHT)) == []
    assert lacking(*told, hospital_domain(), WithdrawDomain(at=NOW - DAY, domain=HOSPITAL)) == []


def test_a_withdrawn_domain_is_asked_of_as_long_as_its_grace_lasts() -> None:
    grace = Options(withdrawal_grace_days=2)
    told = [*operator(contrat=False), hospital_domain(), WithdrawDomain(at=NOW - 2 * DAY, domain=HOSPITAL)]
    since = InstrumentLacking(GHT, "contrat", None, (HOSPITAL,), None, SINCE)
    assert lacking(*told, at=NOW - INSTANT, policy=grace) == [since]
    assert lacking(*told, at=NOW, policy=grace) == []


def test_a_domain_that_comes_back_is_hosted_since_then_unless_it_was_still_in_its_grace() -> None:
    told = [*operator(contrat=False), hospital_domain(), WithdrawDomain(at=NOW - 2 * DAY, domain=HOSPITAL)]
    told.append(AdmitDomain(at=NOW, domain=HOSPITAL))
    for days, since in ((2, NOW), (3, SINCE)):
        assert lacking(*told, policy=Options(withdrawal_grace_days=days)) == [
            InstrumentLacking(GHT, "contrat", None, (HOSPITAL,), None, since)
        ]


def test_a_hosted_domain_without_operator_is_named() -> None:
    assert lacking(AdmitDomain(at=SINCE, domain=CABINET, hosted=True), at=SINCE) == [
        InstrumentLacking(None, "contrat", None, (CABINET,), None, SINCE)
    ]


# --- the CGU


def published(version: str, at: datetime, deadline: datetime | None) -> PublishCgu:
    text = None if deadline is None else deadline.isoformat()
    return PublishCgu(at=at, operator=GHT, version=version, deadline=text)


def unsigned(since: datetime | None, *who: str, version: str = "1", deadline: datetime | None = NOW) -> Found:
    return [CguLacking(address, GHT, version, deadline, since) for address in sorted(who)]


def test_the_cgu_are_to_be_signed_by_their_deadline_and_lacking_after_it() -> None:
    told = [*hospital(), published("1", SINCE, NOW), SignCgu(at=SINCE, mailbox=DOCTOR, version="1")]
    assert lacking(*told, at=NOW) == unsigned(None, SURGEON, SECRETARIAT)
    assert lacking(*told, at=NOW + INSTANT) == unsigned(NOW, SURGEON, SECRETARIAT)


def test_without_a_deadline_the_cgu_are_lacking_at_once_or_since_the_mailbox_is_there() -> None:
    told = [*operator(), hospital_domain(), published("1", NOW, None), *hospital_mailboxes()]
    new = CreateMailbox(at=NOW + DAY, address=f"nouveau@{HOSPITAL}", kind="APP")
    assert lacking(*told, new, at=NOW + 2 * DAY) == [
        *unsigned(NOW, DOCTOR, SURGEON, deadline=None),
        *unsigned(NOW + DAY, new.address, deadline=None),
        *unsigned(NOW, SECRETARIAT, deadline=None),
    ]


def test_the_cgu_are_not_lacking_before_they_were_published_whatever_their_deadline() -> None:
    told = [*hospital(), published("1", NOW, NOW - DAY)]
    assert lacking(*told, at=NOW - INSTANT) == []
    assert lacking(*told, at=NOW) == unsigned(NOW, DOCTOR, SURGEON, SECRETARIAT, deadline=NOW - DAY)


def test_a_deadline_that_is_moved_while_the_cgu_are_lacking_leaves_them_lacking_since_then() -> None:
    def since(*moves: PublishCgu) -> Found:
        return lacking(*hospital()[:-2], published("1", SINCE, NOW - 2 * DAY), *moves, at=NOW + DAY)

    first = NOW - 2 * DAY
    assert since() == unsigned(first, DOCTOR, deadline=first)
    assert since(published("1", NOW, NOW - 3 * DAY)) == unsigned(first, DOCTOR, deadline=NOW - 3 * DAY)
    assert since(published("1", NOW, None)) == unsigned(first, DOCTOR, deadline=None)
    assert since(published("1", NOW - DAY, NOW)) == unsigned(NOW, DOCTOR, deadline=NOW)
    assert since(published("1", NOW - 3 * DAY, NOW - 4 * DAY)) == unsigned(
        NOW - 3 * DAY, DOCTOR, deadline=NOW - 4 * DAY
    )


def test_a_usagers_mailbox_owes_its_signature_since_it_was_last_opened() -> None:
    told = [*patients()[:-1], PublishCgu(at=SINCE, operator=MES, version="1", deadline=None)]
    told += [CloseEns(at=NOW - 2 * DAY, ins=ins(1)), OpenEns(at=NOW, ins=ins(1))]
    for at, since in ((NOW - 2 * DAY - INSTANT, SINCE), (NOW - DAY, None), (NOW, NOW)):
        assert [obligation.since for obligation in lacking(*told, at=at)] == [since] * (since is not None)


def test_the_cgu_are_not_lacking_before_the_operator_hosts_the_domain() -> None:
    moved = AdmitDomain(at=NOW, domain=HOSPITAL, operator=GHT, hosted=True)
    before = AdmitDomain(at=SINCE, domain=HOSPITAL, operator="other", hosted=True)
    told = [*operator(), *operator("other"), before, published("1", SINCE, NOW - DAY), moved]
    told += [AdmitDomain(at=SINCE, domain="ght.mssante.fr", operator=GHT, hosted=True), *hospital_mailboxes()]
    assert lacking(*told, at=NOW - INSTANT) == []
    assert lacking(*told, at=NOW + DAY) == unsigned(NOW, DOCTOR, SURGEON, SECRETARIAT, deadline=NOW - DAY)


def test_a_newer_version_counts_for_an_older_one_but_not_the_other_way_round() -> None:
    told = [*operator(), hospital_domain(), *hospital_mailboxes()[:2]]
    told += [published("1", SINCE, None), published("2", SINCE, NOW)]
    told += [SignCgu(at=SINCE, mailbox=DOCTOR, version="2"), SignCgu(at=SINCE, mailbox=SURGEON, version="1")]
    assert lacking(*told, at=NOW) == unsigned(None, SURGEON, version="2")
    assert lacking(*told, at=NOW + DAY) == unsigned(NOW, SURGEON, version="2")
    assert lacking(*told, at=NOW + DAY, policy=Options(cgu_signature="any-version")) == []


def test_a_mailbox_that_is_gone_owes_nothing() -> None:
    told = [*hospital(), published("1", SINCE, None), DeleteMailbox(at=NOW, address=DOCTOR)]
    assert lacking(*told, at=NOW) == unsigned(SINCE, SURGEON, SECRETARIAT, deadline=None)
    assert len(lacking(*told, at=NOW - INSTANT)) == 3


# --- what the engine refuses is what is lacking here


DOCTOR_THERE, SECRETARY_THERE, PATIENT_THERE = "dr.a@ch.mssante.fr", "secretariat@ch.mssante.fr", "x@liberal.mssante.fr"


@histories_looked_at(30)
@given(history=histories(min_size=4), options=options(), at=st.sampled_from([rules.since for rules in SHIPPED] + [NOW]))
@told_shortly
def test_what_is_lacking_is_what_the_engine_refuses_for(
    history: list[AnyCommand], options: Options, at: datetime
) -> None:
    with Engine("sqlite://", options=options) as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many(history)
        lacks = found(engine, database, at, options)
        cgu = {each.mailbox for each in lacks if isinstance(each, CguLacking) and each.overdue}
        contrat = {
            d
            for each in lacks
            if isinstance(each, InstrumentLacking) and each.instrument == "contrat"
            for d in each.domains
        }
        for sender in (DOCTOR_THERE, SECRETARY_THERE):
            message = SubmitMessage(id="x", at=at, sender=sender, recipients=[PATIENT_THERE])
            codes = {reason.code for reason in engine.check(message)[0].reasons}
            if not codes & {"SENDER_DOMAIN_NOT_ADMITTED", "SENDER_UNKNOWN", "SENDER_DELETED"}:
                assert ("CGU_NOT_SIGNED" in codes) == (sender in cgu)
                ours = "OPERATOR_NOT_CONTRACTED" in codes
                assert ours or "ch.mssante.fr" not in contrat


def _both(engine: Engine, database: ViewsDatabase, history: list[AnyCommand], page: int) -> None:
    engine.handle_many(history[: len(history) // 2])
    Runner(engine.log, database, Obligations, page=page).rebuild()
    engine.handle_many(history[len(history) // 2 :])
    kept_up = [found(engine, database, at, Options()) for at in (DEADLINE, NOW)]
    Runner(engine.log, database, Obligations).rebuild()
    assert [found(engine, database, at, Options()) for at in (DEADLINE, NOW)] == kept_up


@histories_looked_at(15)
@given(history=histories(min_size=4), options=st.just(Options()), page=st.integers(1, 9))
@told_shortly
def test_rebuilding_gives_what_keeping_up_gave(history: list[AnyCommand], options: Options, page: int) -> None:
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:
        _both(engine, database, history, page)


def test_rebuilding_gives_what_keeping_up_gave_on_postgresql_too(new_database: Callable[[], str]) -> None:
    told = [*operator(annexe_2=None), hospital_domain(), published("1", SINCE, None), *hospital_mailboxes()]
    with ViewsDatabase(Place(new_database())) as database, Engine("sqlite://") as engine:
        _both(engine, database, told, 3)
        on_postgresql = found(engine, database, NOW, Options())
        assert len(on_postgresql) == 4
        assert on_postgresql == lacking(*told)


# --- the program


def tell(folder: Path, commands: Iterable[AnyCommand]) -> None:
    with Engine(f"sqlite:///{folder}/huissier.db") as engine:
        engine.handle_many(commands)


def test_the_program_says_what_is_lacking_and_ends_with_1(tmp_path: Path) -> None:
    tell(tmp_path, [*operator(annexe_2=None), hospital_domain(), published("1", SINCE, NOW), hospital_mailboxes()[0]])
    done = huissier("obligations", "--at", "2026-10-31T10:00:00Z", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        f"{GHT}: annexe-2 for 1.4 lacking since 2021-11-26T00:00:00Z, deadline 2021-11-26T00:00:00Z; hosts {HOSPITAL}\n"
        f"{DOCTOR}: CGU 1 of {GHT} lacking since 2026-10-31T09:00:00Z, deadline 2026-10-31T09:00:00Z\n"
    )
    done = huissier("obligations", "--at", "2021-06-01T00:00:00Z", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f'{{"type":"instrument-lacking","operator":"{GHT}","instrument":"annexe-2","referentiel":"1.4",'
        f'"domains":["{HOSPITAL}"],"deadline":"2021-11-26T00:00:00Z","since":null}}',
        f'{{"type":"cgu-lacking","mailbox":"{DOCTOR}","operator":"{GHT}","version":"1",'
        '"deadline":"2026-10-31T09:00:00Z","since":null}',
    ]


def test_a_name_that_turns_text_around_stays_in_its_place(tmp_path: Path) -> None:
    odd = "op\u202egro\u2028x"
    tell(tmp_path, [*operator(odd, contrat=False), AdmitDomain(at=SINCE, domain=CABINET, operator=odd, hosted=True)])
    done = huissier("obligations", cwd=tmp_path)
    assert done.stdout == (f"op\\u202egro\\u2028x: contrat lacking since 2020-03-11T00:00:00Z; hosts {CABINET}\n")


def test_where_nothing_is_lacking_the_program_says_so(tmp_path: Path) -> None:
    tell(tmp_path, hospital())
    done = huissier("obligations", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Nothing is lacking.\n")


@pytest.mark.parametrize("arguments", [("--at", "yesterday"), ("--option", "cgu_signature=never")])
def test_what_cannot_be_read_is_refused(tmp_path: Path, arguments: tuple[str, str]) -> None:
    tell(tmp_path, hospital())
    done = huissier("obligations", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"huissier: {arguments[0]}: ")

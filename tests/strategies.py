"""Hypothesis strategies: small worlds of the trust space, and histories of commands told in them.

A history is a set-up that is usually complete, a conversation that usually reaches a usager's answer, and then
anything at all: late commands, repeated ids, odd spellings, wrong certificates. The world is small so that
commands meet each other. Its people are made up: their matricules name the département 99, which is abroad, and
their keys are computed here.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from hypothesis import strategies as st

from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    Instrument,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.rule_set import Options

HOSPITAL: Final = "ch.mssante.fr"
LIBERAL: Final = "liberal.mssante.fr"
PATIENTS: Final = "patient.mssante.fr"
RESIDENTS: Final = "residents.mssante.fr"
NEVER_ADMITTED: Final = "jamais.mssante.fr"
DOMAINS: Final = (HOSPITAL, LIBERAL, PATIENTS, RESIDENTS, NEVER_ADMITTED)

HOSPITAL_OPERATOR: Final = "hospitalis"
LIBERAL_OPERATOR: Final = "liberalis"
USAGERS_OPERATOR: Final = "usageris"
OPERATORS: Final = (HOSPITAL_OPERATOR, LIBERAL_OPERATOR, USAGERS_OPERATOR)


def ins_of(matricule: str) -> str:
    """Return a matricule of 13 digits with its key."""
    return f"{matricule}{97 - int(matricule) % 97:02}"


INS: Final = tuple(ins_of(matricule) for matricule in ("1850199000101", "2900699000202", "1771299000303"))
INS_WITH_WRONG_KEY: Final = f"{INS[0][:13]}{(int(INS[0][13:]) + 1) % 97:02}"

DOCTOR: Final = f"dr.a@{HOSPITAL}"
SECRETARY: Final = f"secretariat@{HOSPITAL}"
PHARMACY: Final = f"pharmacie@{HOSPITAL}"
REMOTE_DOCTOR: Final = f"dr.c@{LIBERAL}"
PROFESSIONNELS: Final = (DOCTOR, SECRETARY, PHARMACY, REMOTE_DOCTOR)
PATIENTS_BOXES: Final = tuple(f"{ins}@{PATIENTS}" for ins in INS[:2])
USAGERS: Final = (*PATIENTS_BOXES, f"{INS[0]}@{RESIDENTS}", f"mme.z@{RESIDENTS}", f"reponse.test@{PATIENTS}")
OTHERS: Final = (
    f"dr.inconnu@{HOSPITAL}",
    f"{INS[2]}@{PATIENTS}",
    f"{INS_WITH_WRONG_KEY}@{PATIENTS}",
    f"{INS[0]}@{HOSPITAL}",
    f"dr.x@{NEVER_ADMITTED}",
)
ADDRESSES: Final = (*PROFESSIONNELS, *USAGERS, *OTHERS)

MOMENTS: Final = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        *("2020-01-15T08:00", "2020-06-01T08:00", "2021-03-01T08:00", "2021-05-26T00:00", "2021-06-01T08:00"),
        *("2021-06-10T00:00", "2021-09-01T08:00", "2021-11-26T00:00", "2021-12-15T08:00", "2022-06-01T08:00"),
        *("2023-05-21T08:00", "2023-05-22T00:00", "2023-06-15T08:00", "2023-06-20T08:00", "2024-02-01T08:00"),
        *("2025-03-01T08:00", "2026-01-01T08:00", "2026-10-31T23:59:59.999999"),
    )
)
CERTIFICATES: Final = ("CN=mx.ch.example,O=CH", "CN=relais.example,O=Relais", "CN=mes.example,O=Usageris")
CERTIFICATE_SPELLINGS: Final = (
    *CERTIFICATES,
    "/O=ch/CN=MX.ch.example",
    "O=Relais, cn=relais.example",
    "CN=inconnu.example",
    "no distinguished name",
    "",
)
COMMON_NAMES: Final = ("mx.ch.example", "MX.CH.example ", "relais.example", "inconnu.example", "CN=relais.example", "")
# Ids that a history replaces: one not used before, and those of the last message to a usager and the one before it.
NEW, LAST, LAST_BUT_ONE = "new", "last", "last but one"
IDS: Final = ("m-1", "m-2", "m-3", "m-4", "m-5", f"m {INS[0]}", "digest:m-1")
MESSAGE_IDS: Final = ("<1@mx>", "<2@mx>", f"<{INS[0]}@mx>")
SUBJECTS: Final = ("[FIN]", "[fin]", "[FIN] ", "Re: [FIN]", "FIN", "", "Votre rendez-vous")
FIN_HEADERS: Final = ("FIN", "fin", " FIN ", "OUI", "")
SIZES: Final = (0, 24_999_999, 25_000_000, 25_000_001, 60_000_000)
REFERENTIELS: Final = ("1.3.1", "1.4", "1.10")
SHADOWS: Final = (
    ("CONTACT_NOT_OPENED",),
    ("SENDER_UNKNOWN", "RECIPIENT_UNKNOWN", "CGU_NOT_SIGNED"),
    ("OPERATOR_NOT_COMMITTED", "CONTACT_ENDED", "MESSAGE_TOO_LARGE"),
)
VERSIONS: Final = ("cgu-1", "cgu-2")
DEADLINES: Final = (None, "2021-06-01T08:00:00Z", "2021-08-31", "2023-06-15")

Body = Any  # a command without its time


def _often_nothing(some: st.SearchStrategy[tuple[str, ...]]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(st.just(()), st.just(()), st.just(()), some)


def options() -> st.SearchStrategy[Options]:
    """Every option, at its default half the time."""
    return st.builds(
        Options,
        fin_header=st.sampled_from(("no-reply", "no-reply", "ends-contact")),
        reopening=st.sampled_from((True, True, False)),
        co_recipients=st.sampled_from(("reply-address", "all")),
        withdrawal_grace_days=st.sampled_from((0, 0, 30, 365)),
        ins_key=st.sampled_from(("strict", "strict", "lenient")),
        uncommitted_operators=st.sampled_from(("no-usagers", "no-mail")),
        cgu_signature=st.sampled_from(("each-version", "each-version", "any-version")),
        avenant_for_contracts_before=st.sampled_from((datetime(2020, 2, 1, tzinfo=UTC), *MOMENTS[:3])),
        shadow_reasons=_often_nothing(st.sampled_from(SHADOWS)),
        shadow_operators=_often_nothing(st.sampled_from(((HOSPITAL_OPERATOR,), (USAGERS_OPERATOR,)))),
    )


# --- spellings


def _before_at(change: Callable[[str], str]) -> Callable[[str], str]:
    def spell(address: str) -> str:
        local, at, domain = address.partition("@")
        return change(local) + at + domain

    return spell


SAME_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (str.upper, lambda a: f"{a}.", str.title)
OTHER_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    _before_at(lambda local: f"{local}+suivi"),
    _before_at(lambda local: f'"{local}"'),
    _before_at(lambda local: f"{local}%{HOSPITAL}"),
    _before_at(lambda local: f"{HOSPITAL}!{local}"),
    _before_at(lambda local: local.replace("a", "а").replace("1", "１")),  # Cyrillic, full width
    _before_at(lambda local: " ".join((local[:1], local[1:3], local[3:5], local[5:]))),
    _before_at(lambda local: f"{local}."),
    _before_at(lambda local: local[:13]),
    lambda address: f" {address}",
    lambda address: f"{address}\n",
    lambda address: f"<{address}>",
    lambda address: f"Docteur <{address}>",
    lambda address: f"@{LIBERAL}:{address}",
    lambda address: f"{address}@{LIBERAL}",
    lambda address: f"{address}..",
    lambda address: address.partition("@")[0],
    lambda address: f"{address}, {DOCTOR}",
    lambda _: "",
)


def _spell(address: str, change: Callable[[str], str]) -> str:
    return change(address)


def _often(usually: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 3).flatmap(lambda n: seldom if n == 3 else usually)


def _seldom(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return _often(st.none(), strategy)


def spelled(addresses: Sequence[str]) -> st.SearchStrategy[str]:
    """One of the addresses, mostly plain, else in the same mailbox's or another spelling."""
    plain = st.sampled_from(addresses)
    odd = st.builds(_spell, plain, st.sampled_from((*SAME_SPELLINGS, *OTHER_SPELLINGS)))
    return st.integers(0, 11).flatmap(lambda n: odd if n == 11 else plain)


_INS_SPACED: Final = f"{INS[0][0]} {INS[0][1:3]} {INS[0][3:5]} {INS[0][5:]}"
_INS: Final = st.sampled_from((*INS, INS[0], INS[0], INS[1], _INS_SPACED, INS_WITH_WRONG_KEY, INS[0][:13]))
_ANYBODY: Final = spelled(ADDRESSES)
_PROFESSIONNEL: Final = _often(spelled(PROFESSIONNELS), _ANYBODY)
_USAGER: Final = _often(st.sampled_from(PATIENTS_BOXES), _often(spelled(USAGERS), _ANYBODY))
_HOSTED: Final = _often(st.sampled_from((*PROFESSIONNELS[:3], *PATIENTS_BOXES)), _ANYBODY)


# --- worlds


_ANY_MOMENT: Final = st.builds(
    datetime.__add__,
    st.sampled_from(MOMENTS),
    st.sampled_from((timedelta(0), timedelta(0), timedelta(microseconds=-1))),
)
_AVENANT: Final = _often(st.just(("avenant-1-02-2020",)), st.just(()))
_CGU: Final = _often(st.just("none published"), st.sampled_from(DEADLINES))
_MOST: Final = 28  # commands in a set-up
# 0: left out, so that shrinking leaves out what does not matter; 1: at another time.
_FATES: Final = st.lists(st.integers(0, 49), min_size=_MOST, max_size=_MOST)
_SET_UP_AT: Final = st.sampled_from((MOMENTS[0], MOMENTS[0], MOMENTS[0], MOMENTS[1], MOMENTS[4]))


@st.composite
def worlds(draw: st.DrawFn) -> list[AnyCommand]:
    """What is set up before anybody writes: usually all that usagers' mail needs, sometimes less, seldom late."""
    hosts_patients, hosts_residents = draw(st.booleans()), draw(st.booleans())
    bodies: list[Body] = [
        RegisterOperator(operator=HOSPITAL_OPERATOR, kind="professionnel", name="Hospitalis"),
        RegisterOperator(operator=LIBERAL_OPERATOR, kind="professionnel"),
        RegisterOperator(operator=USAGERS_OPERATOR, kind="usager"),
    ]
    signed: tuple[Instrument, ...] = ("contrat", "annexe-2", *draw(_AVENANT))
    bodies += [
        SignInstrument(operator=operator, instrument=instrument, referentiel="1.4")
        for operator in (HOSPITAL_OPERATOR, USAGERS_OPERATOR)
        for instrument in signed
    ]
    bodies += [
        _admission(HOSPITAL, HOSPITAL_OPERATOR, CERTIFICATES[:2], hosted=True),
        _admission(LIBERAL, draw(st.sampled_from((None, LIBERAL_OPERATOR))), CERTIFICATES[1:2], hosted=None),
        _admission(PATIENTS, draw(st.sampled_from((None, USAGERS_OPERATOR))), CERTIFICATES[2:], hosted=False),
        _admission(RESIDENTS, USAGERS_OPERATOR, (), hosted=hosts_residents),
    ]
    if hosts_patients:
        bodies.append(_admission(PATIENTS, USAGERS_OPERATOR, (), hosted=True))
    bodies += [
        CreateMailbox(address=DOCTOR, kind="PER", rpps="10001234567"),
        CreateMailbox(address=SECRETARY, kind="ORG", finess="990000001", secteur="SA07"),
        CreateMailbox(address=PHARMACY, kind="ORG", finess="990000002", secteur="SA33"),
    ]
    if hosts_residents:
        bodies.append(CreateMailbox(address=f"mme.z@{RESIDENTS}", kind="PER"))
    if hosts_patients:
        bodies += [OpenEns(ins=INS[0]), OpenEns(ins=INS[1])]
    if (deadline := draw(_CGU)) != "none published":
        bodies += [PublishCgu(operator=operator, version="cgu-1", deadline=deadline) for operator in OPERATORS[::2]]
        bodies += [SignCgu(mailbox=address, version="cgu-1") for address in (DOCTOR, PHARMACY, PATIENTS_BOXES[0])]
    moment, fates = draw(_SET_UP_AT), draw(_FATES)
    return [
        _when(body, draw(_ANY_MOMENT) if fate == 1 else moment)
        for body, fate in zip(bodies, fates, strict=False)
        if fate > 0
    ]


def _admission(domain: str, operator: str | None, certificates: Iterable[str], *, hosted: bool | None) -> AdmitDomain:
    return AdmitDomain(domain=domain, operator=operator, certificate_dns=list(certificates), hosted=hosted)


def _when(body: Body, at: datetime) -> AnyCommand:
    command: AnyCommand = msgspec.structs.replace(body, at=at)
    return command


# --- commands, without their time


_ID: Final = _often(st.just(NEW), st.sampled_from(IDS))


def _submissions(
    senders: st.SearchStrategy[str], recipients: st.SearchStrategy[str]
) -> st.SearchStrategy[SubmitMessage]:
    return st.builds(
        SubmitMessage,
        id=_ID,
        sender=senders,
        recipients=_often(
            st.lists(recipients, min_size=1, max_size=1),
            st.lists(st.one_of(recipients, _ANYBODY), min_size=2, max_size=4),
        ),
        reply_to=_seldom(_PROFESSIONNEL),
        subject=_seldom(st.sampled_from(SUBJECTS)),
        mss_mes=_seldom(st.sampled_from(FIN_HEADERS)),
        in_reply_to=_seldom(st.sampled_from((*MESSAGE_IDS, "1@mx", " <2@mx> ", "", "<3@mx>"))),
        message_id=_often(st.sampled_from(MESSAGE_IDS), st.none()),
        size=_seldom(st.sampled_from(SIZES)),
        certificate_dn=_seldom(_seldom(st.sampled_from(CERTIFICATE_SPELLINGS))),
        certificate_cn=_seldom(_seldom(st.sampled_from(COMMON_NAMES))),
        final_hop=st.booleans(),
        stage=_seldom(st.sampled_from(("rcpt", "end-of-message"))),
    )


SUBMISSIONS: Final = st.one_of(
    _submissions(_PROFESSIONNEL, _USAGER),
    _submissions(_USAGER, _PROFESSIONNEL),
    _submissions(_USAGER, _PROFESSIONNEL),
    _submissions(_PROFESSIONNEL, _PROFESSIONNEL),
    _submissions(_ANYBODY, _ANYBODY),
)
_STATUS: Final = _often(st.just("delivered"), st.just("undelivered"))
_REPORTS: Final = _often(
    st.builds(
        ReportDelivery, id=st.sampled_from((LAST, LAST_BUT_ONE)), recipient=st.just(PATIENTS_BOXES[0]), status=_STATUS
    ),
    st.builds(ReportDelivery, id=st.sampled_from(IDS), recipient=_USAGER, status=_STATUS),
)
_TEXT: Final = st.sampled_from((None, f"dossier {INS[0]}"))
_MAILBOXES: Final = st.one_of(
    st.builds(
        CreateMailbox,
        address=_HOSTED,
        kind=st.sampled_from(("PER", "ORG")),
        secteur=st.sampled_from((None, "SA33", "SA07")),
        name=_TEXT,
        liste_rouge=st.booleans(),
    ),
    st.builds(SuspendMailbox, address=_HOSTED, motive=_TEXT),
    st.builds(ResumeMailbox, address=_HOSTED, motive=_TEXT),
    st.builds(DeleteMailbox, address=_HOSTED, motive=_TEXT),
    st.builds(SetListeRouge, address=st.one_of(st.just(PHARMACY), _HOSTED), liste_rouge=st.booleans()),
    st.builds(SignCgu, mailbox=_HOSTED, version=st.sampled_from(VERSIONS)),
)
_CERTIFICATES: Final = st.lists(st.sampled_from(CERTIFICATE_SPELLINGS[:5]), max_size=2)
_TRUST_SPACE: Final = st.one_of(
    st.builds(
        AdmitDomain,
        domain=st.sampled_from(DOMAINS[:4]),
        operator=st.sampled_from((None, *OPERATORS, "inconnu")),
        certificate_dns=_CERTIFICATES,
        hosted=st.sampled_from((None, None, True, False)),
    ),
    st.builds(
        WithdrawDomain,
        domain=st.sampled_from(DOMAINS),
        operator=_seldom(st.sampled_from(OPERATORS)),
        certificate_dns=_CERTIFICATES,
    ),
    st.builds(
        RegisterOperator,
        operator=st.sampled_from((*OPERATORS, "quatrieme")),
        kind=st.sampled_from(("professionnel", "usager")),
        name=st.sampled_from((None, "", "Hospitalis", "Autre")),
    ),
    st.builds(
        SignInstrument,
        operator=st.sampled_from(OPERATORS),
        instrument=st.sampled_from(("contrat", "avenant-1-02-2020", "annexe-2")),
        referentiel=st.sampled_from(REFERENTIELS),
    ),
    st.builds(
        PublishCgu,
        operator=st.sampled_from(OPERATORS),
        version=st.sampled_from(VERSIONS),
        deadline=st.sampled_from(DEADLINES),
    ),
)
_USAGERS: Final = st.one_of(
    st.builds(OpenEns, ins=_INS), st.builds(CloseEns, ins=_INS), st.builds(EraseUsager, ins=_INS)
)


def _weighted(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


_ANYTHING: Final = _weighted(
    *(SUBMISSIONS,) * 10, *(_REPORTS,) * 3, *(_MAILBOXES,) * 3, *(_TRUST_SPACE,) * 3, *(_USAGERS,) * 2
)

# Narrow themes: few things, and commands that meet on them again and again.


def _message(sender: str, *recipients: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[SubmitMessage]:
    to = st.just(list(recipients))
    return st.builds(SubmitMessage, id=st.just(NEW), sender=st.just(sender), recipients=to, **fields)


_PATIENT: Final = PATIENTS_BOXES[0]
_WRITES: Final = _message(
    DOCTOR,
    _PATIENT,
    reply_to=_seldom(st.sampled_from((SECRETARY, REMOTE_DOCTOR, *OTHERS, *USAGERS))),
    mss_mes=_seldom(st.sampled_from(FIN_HEADERS)),
    message_id=st.sampled_from(MESSAGE_IDS),
    final_hop=st.booleans(),
)
_ONE_CONTACT: Final = _weighted(
    _WRITES,
    _message(DOCTOR, _PATIENT, subject=_often(st.just("[FIN]"), st.sampled_from(SUBJECTS)), final_hop=st.booleans()),
    _often(_REPORTS, _WRITES),
    _message(_PATIENT, DOCTOR, in_reply_to=_often(st.none(), st.sampled_from(MESSAGE_IDS))),
    _message(_PATIENT, DOCTOR),
    _often(_message(_PATIENT, SECRETARY, in_reply_to=st.just(" 1@mx ")), _message(_PATIENT, REMOTE_DOCTOR)),
)
_ONE_MESSAGE: Final = _often(
    st.builds(
        ReportDelivery,
        id=st.just("m-1"),
        recipient=st.sampled_from(PATIENTS_BOXES),
        status=st.sampled_from(("delivered", "undelivered")),
    ),
    _message(_PATIENT, DOCTOR),
)
_TWO_CERTIFICATES: Final = st.lists(st.sampled_from(CERTIFICATES[1:]), max_size=2, unique=True)
_ONE_DOMAIN: Final = _weighted(
    st.builds(
        AdmitDomain,
        domain=st.just(LIBERAL),
        operator=st.sampled_from((None, LIBERAL_OPERATOR, USAGERS_OPERATOR)),
        certificate_dns=_TWO_CERTIFICATES,
        hosted=st.sampled_from((None, None, True, False)),
    ),
    st.builds(WithdrawDomain, domain=st.just(LIBERAL), certificate_dns=_TWO_CERTIFICATES),
    _message(REMOTE_DOCTOR, DOCTOR, certificate_dn=st.sampled_from((*CERTIFICATES[1:], "no distinguished name"))),
)
_ONE_OPERATOR: Final = _weighted(
    st.builds(
        SignInstrument,
        operator=st.just(LIBERAL_OPERATOR),
        instrument=st.sampled_from(("contrat", "avenant-1-02-2020", "annexe-2")),
        referentiel=st.sampled_from(REFERENTIELS),
    ),
    st.builds(AdmitDomain, domain=st.just(LIBERAL), operator=st.just(LIBERAL_OPERATOR), hosted=st.just(True)),
    st.builds(CreateMailbox, address=st.just(REMOTE_DOCTOR), kind=st.just("PER")),
    _message(REMOTE_DOCTOR, _PATIENT),
    _message(DOCTOR, REMOTE_DOCTOR),
)
_ONE_CGU: Final = _weighted(
    st.builds(
        PublishCgu,
        operator=st.just(HOSPITAL_OPERATOR),
        version=st.sampled_from(VERSIONS),
        deadline=st.sampled_from(DEADLINES),
    ),
    st.builds(SignCgu, mailbox=st.just(DOCTOR), version=st.sampled_from(VERSIONS)),
    _message(DOCTOR, REMOTE_DOCTOR),
)
_ONE_MAILBOX: Final = _weighted(
    st.builds(SuspendMailbox, address=st.just(PHARMACY)),
    st.builds(ResumeMailbox, address=st.just(PHARMACY)),
    _often(st.builds(SuspendMailbox, address=st.just(PHARMACY)), st.builds(DeleteMailbox, address=st.just(PHARMACY))),
    st.builds(SetListeRouge, address=st.just(PHARMACY), liste_rouge=st.booleans()),
    st.builds(CreateMailbox, address=st.just(PHARMACY), kind=st.just("ORG"), secteur=st.sampled_from(("SA33", "SA65"))),
    _message(_PATIENT, PHARMACY),
    _message(PHARMACY, _PATIENT),
    _message(DOCTOR, _PATIENT, PHARMACY, final_hop=st.just(True)),
)
_ONE_ENS: Final = _weighted(
    st.builds(OpenEns, ins=st.just(INS[0])),
    st.builds(CloseEns, ins=st.just(INS[0])),
    _often(st.builds(SuspendMailbox, address=st.just(_PATIENT)), st.builds(EraseUsager, ins=st.just(INS[0]))),
    st.builds(ResumeMailbox, address=st.just(_PATIENT)),
    _message(DOCTOR, *PATIENTS_BOXES, final_hop=st.booleans()),
    _often(_message(_PATIENT, DOCTOR), _message(DOCTOR, *PATIENTS_BOXES, subject=st.just("[FIN]"))),
    _message(_PATIENT, DOCTOR),
)
_NARROW: Final = (
    *(_ONE_CONTACT, _ONE_CONTACT, _ONE_CONTACT, _ONE_MESSAGE, _ONE_DOMAIN, _ONE_DOMAIN),
    *(_ONE_OPERATOR, _ONE_CGU, _ONE_MAILBOX, _ONE_ENS),
)
_THEMES: Final[st.SearchStrategy[st.SearchStrategy[Body]]] = st.sampled_from((*(_ANYTHING,) * 4, *_NARROW))


# --- histories


@st.composite
def conversations(draw: st.DrawFn) -> list[Body]:
    """A professionnel writes, the message arrives, the usager answers: usually."""
    usager, professionnel = draw(st.sampled_from(PATIENTS_BOXES)), draw(st.sampled_from(PROFESSIONNELS))
    final_hop = draw(st.booleans())
    first = SubmitMessage(
        id="m-1",
        sender=professionnel,
        recipients=[usager],
        reply_to=draw(_seldom(st.sampled_from((SECRETARY, f"dr.d@{LIBERAL}")))),
        message_id=MESSAGE_IDS[0],
        mss_mes=draw(_seldom(st.just("FIN"))),
        final_hop=final_hop,
    )
    status: Literal["delivered", "undelivered"] = draw(_often(st.just("delivered"), st.just("undelivered")))
    arrival = ReportDelivery(id="m-1", recipient=usager, status=status)
    answer = SubmitMessage(
        id="m-2",
        sender=usager,
        recipients=[first.reply_to or professionnel],
        in_reply_to=draw(_seldom(st.just(MESSAGE_IDS[0]))),
    )
    end = SubmitMessage(id="m-3", sender=professionnel, recipients=[usager], subject="[FIN]", final_hop=final_hop)
    parts: list[Body] = [first, answer] if final_hop else [first, arrival, answer]
    return [*parts, end, msgspec.structs.replace(answer, id="m-4")] if draw(st.integers(0, 2)) == 2 else parts


_LATE, _ANY_TIME = -1, -2
_STEPS: Final = st.sampled_from((0, 0, 0, 0, 1, 1, 1, 2, _LATE, _LATE, _ANY_TIME))
_STARTS: Final = st.sampled_from((4, 4, 6, 6, 9, 9, 12, 12, 5, 7, 11, 2))


@st.composite
def histories(draw: st.DrawFn, min_size: int = 0, max_size: int = 28) -> list[AnyCommand]:
    """A set-up, then usually a conversation, then `min_size` to `max_size` commands on one theme and another.

    Time mostly goes on; now and then a command comes late.
    """
    history: list[AnyCommand] = draw(worlds())
    opening: list[Body] = draw(_often(conversations(), st.just([])))
    now, size, themes = draw(_STARTS), draw(st.integers(min_size, max_size)), [draw(_THEMES), draw(_THEMES)]
    moves = [(0, body) for body in opening]
    moves += [(draw(_STEPS), draw(themes[2 * place // size])) for place in range(size)]
    sent = [SubmitMessage(id="m-0", sender=DOCTOR, recipients=[_PATIENT])] * 2
    for step, body in moves:
        now = min(len(MOMENTS) - 1, now + max(step, 0))
        moment = draw(_ANY_MOMENT) if step == _ANY_TIME else MOMENTS[now - 1 if step == _LATE else now]
        if isinstance(body, SubmitMessage):
            body = msgspec.structs.replace(body, id=f"m-{len(history)}") if body.id == NEW else body
            sent += [body] if body.recipients[0] in USAGERS else []
        if isinstance(body, ReportDelivery) and body.id in (LAST, LAST_BUT_ONE):
            meant = sent[-1 if body.id == LAST else -2]
            body = msgspec.structs.replace(body, id=meant.id, recipient=meant.recipients[0])
        history.append(_when(body, moment))
    return history

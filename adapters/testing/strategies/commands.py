"""Commands of every kind, without their time; the mix says how often odd ones are among them."""

from functools import cache
from typing import Any, TypeVar, get_args

from hypothesis import strategies as st

from huissier.adapters.testing.strategies.chance import any_of, often, perhaps
from huissier.adapters.testing.strategies.mixes import USUAL, Mix
from huissier.adapters.testing.strategies.spellings import spelled
from huissier.adapters.testing.strategies.town import (
    ADDRESSES,
    CERTIFICATE_SPELLINGS,
    COMMON_NAMES,
    DEADLINES,
    DOMAINS,
    FIN_HEADERS,
    HOSTED,
    IDS,
    INS,
    INS_WITH_WRONG_KEY,
    LAST,
    LAST_BUT_ONE,
    MESSAGE_IDS,
    NEW,
    OPERATORS,
    PATIENTS_BOXES,
    PHARMACY,
    PROFESSIONNELS,
    READABLE,
    REFERENTIELS,
    SIZES,
    SUBJECTS,
    USAGERS,
    VERSIONS,
)
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    Command,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
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
from huissier.domain.vocabulary.ins import mentions_ins

C = TypeVar("C", bound=Command)

_ID = often(st.just(NEW), st.sampled_from(IDS))
_INS_SPACED = f"{INS[0][0]} {INS[0][1:3]} {INS[0][3:5]} {INS[0][5:]}"
_INS = st.sampled_from((*INS, INS[0], INS[0], INS[1], _INS_SPACED))
_ANY_INS = st.sampled_from((*INS, INS[0], INS[0], INS[1], _INS_SPACED, INS_WITH_WRONG_KEY, INS[0][:13]))
# Not those of test and of demonstration, which end in 10 and 11: a search for INS takes their digits for one.
_OIDS = perhaps(st.sampled_from(("1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9")))
_TEXT = st.sampled_from((None, f"dossier {INS[0]}"))
_STATUS = often(st.just("delivered"), st.just("undelivered"))
_TO_BE_CREATED = tuple(address for address in READABLE if not mentions_ins(address))  # a usager's comes with the ENS
_CERTIFICATES = st.lists(st.sampled_from(CERTIFICATE_SPELLINGS[:5]), max_size=2)


def commands_of(kind: type[C], odd: int = USUAL.odd) -> st.SearchStrategy[C]:
    """Commands of one type; `odd` addresses in twelve are spelled oddly.

    An id may be `town.NEW`, and a report's `LAST` or `LAST_BUT_ONE`: a history replaces these by ids of its own.
    """
    strategies: dict[type[Command], st.SearchStrategy[Any]] = _by_type(odd)
    return strategies[kind]


def commands(mix: Mix = USUAL) -> st.SearchStrategy[Any]:
    """Commands of any type, each as often as the mix says."""
    kinds = _by_type(mix.odd)
    return any_of(
        *(kinds[SubmitMessage],) * mix.submissions,
        *(kinds[ReportDelivery],) * mix.reports,
        *(_one_of(kinds, CreateMailbox, SuspendMailbox, ResumeMailbox, DeleteMailbox, SetListeRouge, SignCgu),)
        * mix.mailboxes,
        *(_one_of(kinds, AdmitDomain, WithdrawDomain, RegisterOperator, SignInstrument, PublishCgu),) * mix.trust_space,
        *(_one_of(kinds, OpenEns, CloseEns, EraseUsager),) * mix.usagers,
    )


def _one_of(kinds: dict[type[Command], st.SearchStrategy[Any]], *types: type[Command]) -> st.SearchStrategy[Any]:
    return st.one_of([kinds[kind] for kind in types])


@cache
def _by_type(odd: int) -> dict[type[Command], st.SearchStrategy[Any]]:
    strategies = {**_mailboxes(odd), **_trust_space(), **_messages(odd), **_usagers(odd)}
    assert strategies.keys() == set(get_args(AnyCommand))
    return strategies


def _anybody(odd: int) -> st.SearchStrategy[str]:
    return spelled(ADDRESSES if odd else READABLE, odd)


def _professionnel(odd: int) -> st.SearchStrategy[str]:
    return often(spelled(PROFESSIONNELS, odd), _anybody(odd))


def _usager(odd: int) -> st.SearchStrategy[str]:
    return often(st.sampled_from(PATIENTS_BOXES), often(spelled(USAGERS, odd), _anybody(odd)))


def _messages(odd: int) -> dict[type[Command], st.SearchStrategy[Any]]:
    professionnel, usager, anybody = _professionnel(odd), _usager(odd), _anybody(odd)
    pairs = [(professionnel, usager), (usager, professionnel), (usager, professionnel)]
    pairs += [(professionnel, professionnel), (anybody, anybody)]
    last = st.sampled_from((LAST, LAST_BUT_ONE))
    return {
        SubmitMessage: st.one_of([_submissions(sender, recipient, odd) for sender, recipient in pairs]),
        ReportDelivery: often(
            st.builds(ReportDelivery, id=last, recipient=st.just(PATIENTS_BOXES[0]), status=_STATUS, cause=_TEXT),
            st.builds(ReportDelivery, id=st.sampled_from(IDS), recipient=usager, status=_STATUS, cause=_TEXT),
        ),
    }


def _submissions(
    senders: st.SearchStrategy[str], recipients: st.SearchStrategy[str], odd: int
) -> st.SearchStrategy[SubmitMessage]:
    return st.builds(
        SubmitMessage,
        id=_ID,
        sender=senders,
        recipients=often(
            st.lists(recipients, min_size=1, max_size=1),
            st.lists(st.one_of(recipients, _anybody(odd)), min_size=2, max_size=4),
        ),
        reply_to=perhaps(_professionnel(odd)),
        subject=perhaps(st.sampled_from(SUBJECTS)),
        mss_mes=perhaps(st.sampled_from(FIN_HEADERS)),
        in_reply_to=perhaps(st.sampled_from((*MESSAGE_IDS, "1@mx", " <2@mx> ", "", "<3@mx>"))),
        message_id=often(st.sampled_from(MESSAGE_IDS), st.none()),
        size=perhaps(st.sampled_from(SIZES)),
        certificate_dn=perhaps(perhaps(st.sampled_from(CERTIFICATE_SPELLINGS))),
        certificate_cn=perhaps(perhaps(st.sampled_from(COMMON_NAMES))),
        final_hop=st.booleans(),
        stage=perhaps(st.sampled_from(("rcpt", "end-of-message"))),
    )


def _mailboxes(odd: int) -> dict[type[Command], st.SearchStrategy[Any]]:
    hosted = often(st.sampled_from((*HOSTED, *PATIENTS_BOXES)), _anybody(odd))
    return {
        CreateMailbox: st.builds(
            CreateMailbox,
            address=hosted if odd else st.sampled_from(_TO_BE_CREATED),
            kind=st.sampled_from(("PER", "ORG")),
            rpps=perhaps(st.just("10001234567")),
            adeli=perhaps(st.just("990000001")),
            finess=perhaps(st.just("990000002")),
            name=_TEXT,
            service=_TEXT,
            secteur=st.sampled_from((None, "SA33", "SA07")),
            liste_rouge=st.booleans(),
        ),
        SuspendMailbox: st.builds(SuspendMailbox, address=hosted, motive=_TEXT),
        ResumeMailbox: st.builds(ResumeMailbox, address=hosted, motive=_TEXT),
        DeleteMailbox: st.builds(DeleteMailbox, address=hosted, motive=_TEXT),
        SetListeRouge: st.builds(
            SetListeRouge, address=st.one_of(st.just(PHARMACY), hosted), liste_rouge=st.booleans()
        ),
        SignCgu: st.builds(SignCgu, mailbox=hosted, version=st.sampled_from(VERSIONS)),
    }


def _trust_space() -> dict[type[Command], st.SearchStrategy[Any]]:
    operators, versions = st.sampled_from(OPERATORS), st.sampled_from(VERSIONS)
    return {
        AdmitDomain: st.builds(
            AdmitDomain,
            domain=st.sampled_from(DOMAINS[:4]),
            operator=st.sampled_from((None, *OPERATORS, "inconnu")),
            certificate_dns=_CERTIFICATES,
            hosted=st.sampled_from((None, None, True, False)),
        ),
        WithdrawDomain: st.builds(
            WithdrawDomain,
            domain=st.sampled_from(DOMAINS),
            operator=perhaps(operators),
            certificate_dns=_CERTIFICATES,
            hosted=perhaps(st.booleans()),
        ),
        RegisterOperator: st.builds(
            RegisterOperator,
            operator=st.sampled_from((*OPERATORS, "quatrieme")),
            kind=st.sampled_from(("professionnel", "usager")),
            name=st.sampled_from((None, "", "Hospitalis", "Autre")),
        ),
        SignInstrument: st.builds(
            SignInstrument,
            operator=operators,
            instrument=st.sampled_from(("contrat", "avenant-1-02-2020", "annexe-2")),
            referentiel=st.sampled_from(REFERENTIELS),
        ),
        PublishCgu: st.builds(PublishCgu, operator=operators, version=versions, deadline=st.sampled_from(DEADLINES)),
    }


def _usagers(odd: int) -> dict[type[Command], st.SearchStrategy[Any]]:
    ins = _ANY_INS if odd else _INS
    return {
        OpenEns: st.builds(OpenEns, ins=ins, oid=_OIDS),
        CloseEns: st.builds(CloseEns, ins=ins, oid=_OIDS),
        EraseUsager: st.builds(EraseUsager, ins=ins),
    }

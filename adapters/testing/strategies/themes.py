"""Narrow themes: few things, which commands concern again and again."""

from typing import Any, Final

from hypothesis import strategies as st

from huissier.adapters.testing.strategies.chance import any_of, often, perhaps
from huissier.adapters.testing.strategies.commands import commands_of
from huissier.adapters.testing.strategies.town import (
    CERTIFICATES,
    DEADLINES,
    DOCTOR,
    FIN_HEADERS,
    HOSPITAL_OPERATOR,
    INS,
    LAST,
    LAST_BUT_ONE,
    LIBERAL,
    LIBERAL_OPERATOR,
    MESSAGE_IDS,
    NEW,
    PATIENTS_BOXES,
    PHARMACIST,
    PHARMACY,
    REFERENTIELS,
    REMOTE_DOCTOR,
    SECRETARY,
    STRANGERS,
    SUBJECTS,
    USAGERS,
    USAGERS_OPERATOR,
    VERSIONS,
)
from huissier.domain.commands import (
    AdmitDomain,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    PublishCgu,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)


def _message(sender: str, *recipients: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[SubmitMessage]:
    to = st.just(list(recipients))
    return st.builds(SubmitMessage, id=st.just(NEW), sender=st.just(sender), recipients=to, **fields)


_PATIENT: Final = PATIENTS_BOXES[0]
_WRITES: Final = _message(
    DOCTOR,
    _PATIENT,
    reply_to=perhaps(st.sampled_from((SECRETARY, REMOTE_DOCTOR, *STRANGERS, *USAGERS))),
    mss_mes=perhaps(st.sampled_from(FIN_HEADERS)),
    message_id=st.sampled_from(MESSAGE_IDS),
    final_hop=st.booleans(),
)
_ONE_CONTACT: Final = any_of(
    _WRITES,
    _message(DOCTOR, _PATIENT, subject=often(st.just("[FIN]"), st.sampled_from(SUBJECTS)), final_hop=st.booleans()),
    often(commands_of(ReportDelivery), _WRITES),
    _message(_PATIENT, DOCTOR, in_reply_to=often(st.none(), st.sampled_from(MESSAGE_IDS))),
    _message(_PATIENT, DOCTOR),
    often(_message(_PATIENT, SECRETARY, in_reply_to=st.just(" 1@mx ")), _message(_PATIENT, REMOTE_DOCTOR)),
)
_ONE_MESSAGE: Final = often(
    st.builds(
        ReportDelivery,
        id=st.just("m-1"),
        recipient=st.sampled_from(PATIENTS_BOXES),
        status=st.sampled_from(("delivered", "undelivered")),
    ),
    _message(_PATIENT, DOCTOR),
)
_ENDS_AND_OPENINGS: Final = any_of(  # some come late: what is later in the log may have been sent before
    _message(DOCTOR, _PATIENT, final_hop=st.just(True)),
    _message(DOCTOR, _PATIENT, subject=st.just("[FIN]"), final_hop=st.just(True)),
    _message(_PATIENT, DOCTOR),
)
_ARRIVALS: Final = any_of(  # in another order than they were sent
    _message(DOCTOR, _PATIENT),
    st.builds(
        ReportDelivery,
        id=st.sampled_from((LAST, LAST_BUT_ONE)),
        recipient=st.just(_PATIENT),
        status=st.just("delivered"),
    ),
    _message(_PATIENT, DOCTOR),
)
_NO_ANSWERS: Final = any_of(  # messages that may not be answered, and answers to them or to others
    _message(
        DOCTOR,
        _PATIENT,
        mss_mes=often(st.just("FIN"), st.none()),
        message_id=st.sampled_from(MESSAGE_IDS[:2]),
        final_hop=st.just(True),
    ),
    _message(_PATIENT, DOCTOR, in_reply_to=st.sampled_from(MESSAGE_IDS[:2])),
)
_TWO_CERTIFICATES: Final = st.lists(st.sampled_from(CERTIFICATES[1:]), max_size=2, unique=True)
_ONE_DOMAIN: Final = any_of(
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
_ONE_OPERATOR: Final = any_of(
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
_ONE_CGU: Final = any_of(
    st.builds(
        PublishCgu,
        operator=st.just(HOSPITAL_OPERATOR),
        version=st.sampled_from(VERSIONS),
        deadline=st.sampled_from(DEADLINES),
    ),
    st.builds(SignCgu, mailbox=st.just(DOCTOR), version=st.sampled_from(VERSIONS)),
    _message(DOCTOR, REMOTE_DOCTOR),
)
_ONE_MAILBOX: Final = any_of(
    st.builds(SuspendMailbox, address=st.just(PHARMACY)),
    st.builds(ResumeMailbox, address=st.just(PHARMACY)),
    often(st.builds(SuspendMailbox, address=st.just(PHARMACY)), st.builds(DeleteMailbox, address=st.just(PHARMACY))),
    st.builds(SetListeRouge, address=st.just(PHARMACY), liste_rouge=st.booleans()),
    st.builds(CreateMailbox, address=st.just(PHARMACY), kind=st.just("ORG"), secteur=st.sampled_from(("SA33", "SA65"))),
    often(_message(_PATIENT, PHARMACY), _message(_PATIENT, PHARMACIST)),
    _message(PHARMACY, _PATIENT),
    _message(DOCTOR, _PATIENT, PHARMACY, final_hop=st.just(True)),
)
_ONE_ENS: Final = any_of(
    st.builds(OpenEns, ins=st.just(INS[0])),
    st.builds(CloseEns, ins=st.just(INS[0])),
    often(st.builds(SuspendMailbox, address=st.just(_PATIENT)), st.builds(EraseUsager, ins=st.just(INS[0]))),
    st.builds(ResumeMailbox, address=st.just(_PATIENT)),
    _message(DOCTOR, *PATIENTS_BOXES, final_hop=st.booleans()),
    often(_message(_PATIENT, DOCTOR), _message(DOCTOR, *PATIENTS_BOXES, subject=st.just("[FIN]"))),
    _message(_PATIENT, DOCTOR),
)
NARROW: Final = (
    *(_ONE_CONTACT, _ONE_CONTACT, _ONE_CONTACT, _ONE_MESSAGE, _ONE_DOMAIN, _ONE_DOMAIN),
    *(_ONE_OPERATOR, _ONE_CGU, _ONE_MAILBOX, _ONE_ENS),
    *(_ENDS_AND_OPENINGS, _ENDS_AND_OPENINGS, _ARRIVALS, _NO_ANSWERS),
)

"""Facts of every kind with every field filled, in the order of `tests/golden/events.jsonl`."""

from datetime import UTC, datetime

from huissier.domain import events as e
from huissier.domain.reasons import Code

AT = datetime(2026, 10, 31, 9, 30, 15, 123456, tzinfo=UTC)
RECORDED_AT = datetime(2026, 11, 1, tzinfo=UTC)
USAGER = "usager:aaaaaaaaaaaaaaaaaaaaaaaaaa@patient.mssante.fr"

EVENTS: tuple[e.AnyEvent, ...] = (
    e.OperatorRegistered(at=AT, operator="ght", kind="professionnel", name="GHT"),
    e.InstrumentSigned(at=AT, operator="ght", instrument="annexe-2", referentiel="1.4"),
    e.CguPublished(at=AT, operator="ght", version="2026", deadline=RECORDED_AT),
    e.DomainAdmitted(
        at=AT, domain="ch.mssante.fr", operator="ght", certificate_dns=("C=fr,CN=mss.ch.fr",), hosted=True
    ),
    e.DomainWithdrawn(at=AT, domain="ch.mssante.fr", certificate_dns=("C=fr,CN=mss.ch.fr",)),
    e.WhiteListLoaded(at=AT, generated_at=AT, sha256="00ff", signer="CN=alb", rows=3, admitted=2, withdrawn=1),
    e.MailboxCreated(
        at=AT,
        address="dr.a@ch.mssante.fr",
        kind="PER",
        rpps="10000000000",
        adeli="750000000",
        finess="750000000",
        name="Dr A",
        service="Cardiologie",
        secteur="SA01",
        liste_rouge=True,
    ),
    e.MailboxSuspended(at=AT, address="dr.a@ch.mssante.fr", motive="absence"),
    e.MailboxResumed(at=AT, address="dr.a@ch.mssante.fr", motive="retour"),
    e.MailboxDeleted(at=AT, address="dr.a@ch.mssante.fr", motive="départ"),
    e.ListeRougeSet(at=AT, address="dr.a@ch.mssante.fr", liste_rouge=False),
    e.CguSigned(at=AT, mailbox="dr.a@ch.mssante.fr", operator="ght", version="2026"),
    e.EnsOpened(at=AT, address=USAGER, oid="1.2.250.1.213.1.4.8"),
    e.EnsClosed(at=AT, address=USAGER),
    e.MessageDecided(
        at=AT,
        id="m-1",
        sender="dr.a@ch.mssante.fr",
        verdicts=(
            e.VerdictGiven(
                recipient=USAGER,
                accepted=True,
                usager=True,
                reasons=(e.ReasonGiven(Code.PROFESSIONNEL_TO_USAGER, (4, 5)),),
            ),
            e.VerdictGiven(recipient="", accepted=False, reasons=(e.ReasonGiven(Code.ADDRESS_INVALID),)),
        ),
        rules="1.4+pharmacies reopening=False",
        final_hop=True,
        size=1234,
        reply_to="secretariat@ch.mssante.fr",
        message_id="0" * 32,
        in_reply_to=("1" * 32,),
        opens=("secretariat@ch.mssante.fr",),
        ends=("dr.a@ch.mssante.fr",),
        unanswerable=("dr.a@ch.mssante.fr",),
    ),
    e.MessageDecided(
        at=AT,
        id="m-2",
        sender=USAGER,
        verdicts=(
            e.VerdictGiven(
                recipient="dr.a@ch.mssante.fr",
                accepted=False,
                shadow=True,
                reasons=(e.ReasonGiven(Code.CONTACT_NOT_OPENED),),
            ),
        ),
        rules="1.4+pharmacies shadow_reasons=CONTACT_NOT_OPENED",
        fin_subject=True,
        fin_header=True,
        certificate="cn:mss.mes.fr",
        stage="end-of-message",
    ),
    e.MessageDecided(
        at=AT,
        id="m-3",
        sender="dr.a@ch.mssante.fr",
        verdicts=(
            e.VerdictGiven(
                recipient="dr.b@ch.mssante.fr",
                accepted=True,
                reasons=(e.ReasonGiven(Code.PROFESSIONNEL_TO_PROFESSIONNEL, (4,)),),
            ),
        ),
        rules="1.4+pharmacies",
        whole=True,
    ),
    e.MessageDelivered(
        at=AT, id="m-1", recipient=USAGER, sent=15, sent_at=AT, usager=True, opens=("secretariat@ch.mssante.fr",)
    ),
    e.MessageUndelivered(at=AT, id="m-1", recipient=USAGER, cause="boîte pleine"),
    e.UsagerErased(at=AT, usager="aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    e.CommandRejected(at=AT, command="open-ens", subject="", reasons=(e.ReasonGiven(Code.INS_INVALID),)),
    e.CommandRejected(
        at=AT,
        command="report-delivery",
        subject="m-1",
        recipient=USAGER,
        status="delivered",
        reasons=(e.ReasonGiven(Code.NOT_ALLOWED_IN_STATE, (15,)),),
    ),
    e.StatisticsProduced(
        at=AT,
        name="202610_EchangesMSSante_ch.mssante.fr.csv",
        sha256="00ff",
        rows=2,
        month=202610,
        domain="ch.mssante.fr",
        layout="provisional-1",
        position=18,
        final=True,
    ),
)

"""Every kind of fact in words, French and English side by side.

`Say` chooses: what a fact tells is written once in both languages, so that neither can lag behind.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from huissier.domain import events as e
from huissier.domain.identities import UNREADABLE_USAGER
from huissier.domain.vocabulary.times import written

Language = Literal["fr", "en"]
Say = Callable[[str, str], str]


class Told(NamedTuple):
    """Who did something or whom it happened to, and what."""

    who: str
    what: str


def told(event: e.AnyEvent, language: Language) -> Told:
    """Return a fact in words, however long."""
    return TELLERS[type(event)](event, _french if language == "fr" else _english)


def _french(fr: str, _: str) -> str:
    return fr


def _english(_: str, en: str) -> str:
    return en


def _operator_registered(event: e.OperatorRegistered, say: Say) -> Told:
    kind = say(f"opérateur de messageries pour {event.kind}s", f"operator of kind {event.kind}")
    return Told(event.operator, say("enregistré comme ", "registered as ") + kind + _named(event.name))


def _instrument_signed(event: e.InstrumentSigned, say: Say) -> Told:
    version = event.referentiel
    commits = "" if version is None else say(f" pour le référentiel {version}", f" for référentiel {version}")
    return Told(event.operator, say(f"a signé {event.instrument}", f"signed {event.instrument}") + commits)


def _cgu_published(event: e.CguPublished, say: Say) -> Told:
    published = say(f"a publié la version {event.version} de ses CGU", f"published version {event.version} of its CGU")
    if event.deadline is None:
        return Told(event.operator, published + say(", en vigueur aussitôt", ", in force at once"))
    by = written(event.deadline)
    return Told(event.operator, published + say(f", à signer avant le {by}", f", to be signed by {by}"))


def _domain_admitted(event: e.DomainAdmitted, say: Say) -> Told:
    details = []
    if event.operator is not None:
        details.append(say(f"opérateur {event.operator}", f"operator {event.operator}"))
    if event.hosted is not None:
        details.append(say("hébergé ici", "hosted here") if event.hosted else say("non hébergé ici", "not hosted here"))
    if event.certificate_dns:
        details.append(_certificates(event.certificate_dns, say))
    return Told(event.domain, say("admis dans l'espace de confiance", "admitted to the trust space") + _listed(details))


def _domain_withdrawn(event: e.DomainWithdrawn, say: Say) -> Told:
    if event.certificate_dns:
        return Told(event.domain, say("a perdu : ", "lost: ") + _certificates(event.certificate_dns, say))
    return Told(event.domain, say("retiré de l'espace de confiance", "withdrawn from the trust space"))


def _white_list_loaded(event: e.WhiteListLoaded, say: Say) -> Told:
    at = written(event.generated_at)
    loaded = say(
        f"liste blanche du {at} chargée : {event.rows} lignes", f"white list of {at} loaded: {event.rows} rows"
    )
    fr = f"{event.admitted} couples admis, {event.withdrawn} retirés"
    changed = say(fr, f"{event.admitted} pairs admitted, {event.withdrawn} withdrawn")
    return Told(event.signer, f"{loaded}, {changed} (SHA-256 {event.sha256})")


def _mailbox_created(event: e.MailboxCreated, say: Say) -> Told:
    numbers = (("RPPS", event.rpps), ("ADELI", event.adeli), ("FINESS", event.finess))
    details = [f"{name} {number}" for name, number in numbers if number is not None]
    details += [text for text in (event.name, event.service, event.secteur) if text]
    if event.liste_rouge:
        details.append(say("sur liste rouge", "on the liste rouge"))
    return Told(event.address, say(f"BAL {event.kind} créée", f"{event.kind} mailbox created") + _listed(details))


def _mailbox_suspended(event: e.MailboxSuspended, say: Say) -> Told:
    return Told(event.address, say("BAL suspendue", "mailbox suspended") + _because(event.motive, say))


def _mailbox_resumed(event: e.MailboxResumed, say: Say) -> Told:
    return Told(event.address, say("BAL réactivée", "mailbox works again") + _because(event.motive, say))


def _mailbox_deleted(event: e.MailboxDeleted, say: Say) -> Told:
    return Told(event.address, say("BAL fermée", "mailbox closed for good") + _because(event.motive, say))


def _liste_rouge_set(event: e.ListeRougeSet, say: Say) -> Told:
    if event.liste_rouge:
        return Told(event.address, say("mise sur liste rouge", "put on the liste rouge"))
    return Told(event.address, say("retirée de la liste rouge", "taken off the liste rouge"))


def _cgu_signed(event: e.CguSigned, say: Say) -> Told:
    fr = f"a signé la version {event.version} des CGU de {event.operator}"
    return Told(event.mailbox, say(fr, f"signed version {event.version} of the CGU of {event.operator}"))


def _ens_opened(event: e.EnsOpened, say: Say) -> Told:
    fr, en = "espace numérique de santé ouvert, avec sa BAL", "espace numérique de santé opened, with its mailbox"
    return Told(event.address, say(fr, en) + _listed([f"OID {event.oid}"] if event.oid else []))


def _ens_closed(event: e.EnsClosed, say: Say) -> Told:
    fr, en = "espace numérique de santé fermé, avec sa BAL", "espace numérique de santé closed, with its mailbox"
    return Told(event.address, say(fr, en))


def _message_decided(event: e.MessageDecided, say: Say) -> Told:
    submitted = say(f"a soumis le message {event.id} pour ", f"submitted message {event.id} for ")
    parts = [submitted + ", ".join(_verdict(verdict, say) for verdict in event.verdicts)]
    if event.reply_to is not None:
        parts.append(say("réponse à ", "replies to ") + _someone(event.reply_to, say))
    if event.size is not None:
        parts.append(say(f"{event.size} octets", f"{event.size} bytes"))
    parts += _asked(event, say)
    if event.final_hop:
        parts.append(say("dernier relais : accepté vaut remis", "final hop: accepted is delivered"))
    if event.opens:
        fr, en = "l'usager pourra écrire à ", "the usager may then write to "
        parts.append(say(fr, en) + ", ".join(event.opens))
    if event.ends:
        parts.append(say("met fin à la correspondance avec ", "ends the contact with ") + ", ".join(event.ends))
    if event.unanswerable:
        parts.append(say("sans réponse possible à ", "may not be answered to ") + ", ".join(event.unanswerable))
    parts.append(say(f"règles {event.rules}", f"rules {event.rules}"))
    return Told(_someone(event.sender, say), "; ".join(parts))


def _asked(event: e.MessageDecided, say: Say) -> Iterator[str]:
    """Tell what a verdict rested on besides addresses and facts."""
    if event.certificate is not None:
        yield say("certificat ", "certificate ") + (event.certificate or say("illisible", "unreadable"))
    if event.fin_subject:
        yield say("objet [FIN]", "subject [FIN]")
    if event.fin_header:
        yield say("X-MSS-MES : FIN", "X-MSS-MES: FIN")
    if event.stage is not None:
        yield say("demandé au stade ", "asked at ") + event.stage


def _verdict(verdict: e.VerdictGiven, say: Say) -> str:
    outcome = say("accepté", "accepted") if verdict.accepted else say("refusé", "refused")
    if verdict.shadow:
        outcome += say(", mais laissé passer (ombre)", ", but let pass (shadow)")
    return f"{_someone(verdict.recipient, say)} ({outcome})"


def _message_delivered(event: e.MessageDelivered, say: Say) -> Told:
    fr = f"a reçu le message {event.id} soumis à la position {event.sent}"
    opened = say("; peut désormais écrire à ", "; may write from now on to ") + ", ".join(event.opens)
    received = say(fr, f"received message {event.id} submitted at position {event.sent}")
    return Told(event.recipient, received + (opened if event.opens else ""))


def _message_undelivered(event: e.MessageUndelivered, say: Say) -> Told:
    missed = say(f"n'a pas reçu le message {event.id}", f"did not receive message {event.id}")
    return Told(event.recipient, missed + _because(event.cause, say))


def _usager_erased(event: e.UsagerErased, say: Say) -> Told:
    fr, en = "effacé du coffre : nul ne peut plus dire qui c'était", "erased from the vault: nobody can tell who it was"
    return Told(f"usager:{event.usager}", say(fr, en))


def _command_rejected(event: e.CommandRejected, say: Say) -> Told:
    rejected = say(f"commande {event.command} rejetée", f"command {event.command} rejected")
    if event.recipient is not None:
        rejected += f" ({_someone(event.recipient, say)}: {event.status})"
    return Told(event.subject or say("(illisible)", "(unreadable)"), rejected)


def _statistics_produced(event: e.StatisticsProduced, say: Say) -> Told:
    file = f"{event.name}, {event.layout}, SHA-256 {event.sha256}"
    counted = say(f"comptées à la position {event.position}", f"counted as of position {event.position}")
    fr = f"statistiques de {event.month} produites ({file}) : {event.rows} lignes, "
    en = f"statistics of {event.month} produced ({file}): {event.rows} rows, "
    return Told(event.domain, say(fr, en) + counted + (say(", définitives", ", final") if event.final else ""))


TELLERS: Final[Mapping[type, Callable[[Any, Say], Told]]] = {
    e.OperatorRegistered: _operator_registered,
    e.InstrumentSigned: _instrument_signed,
    e.CguPublished: _cgu_published,
    e.DomainAdmitted: _domain_admitted,
    e.DomainWithdrawn: _domain_withdrawn,
    e.WhiteListLoaded: _white_list_loaded,
    e.MailboxCreated: _mailbox_created,
    e.MailboxSuspended: _mailbox_suspended,
    e.MailboxResumed: _mailbox_resumed,
    e.MailboxDeleted: _mailbox_deleted,
    e.ListeRougeSet: _liste_rouge_set,
    e.CguSigned: _cgu_signed,
    e.EnsOpened: _ens_opened,
    e.EnsClosed: _ens_closed,
    e.MessageDecided: _message_decided,
    e.MessageDelivered: _message_delivered,
    e.MessageUndelivered: _message_undelivered,
    e.UsagerErased: _usager_erased,
    e.CommandRejected: _command_rejected,
    e.StatisticsProduced: _statistics_produced,
}


def _someone(address: str, say: Say) -> str:
    if address == UNREADABLE_USAGER:
        return say("un usager, d'adresse illisible", "a usager, of unreadable address")
    return address or say("une adresse illisible", "an unreadable address")


def _certificates(names: Iterable[str], say: Say) -> str:
    return say("certificats ", "certificates ") + "; ".join(names)


def _named(name: str | None) -> str:
    return f" ({name})" if name else ""


def _because(motive: str | None, say: Say) -> str:
    return "" if not motive else say(f" : {motive}", f": {motive}")


def _listed(details: list[str]) -> str:
    return f" ({', '.join(details)})" if details else ""

"""The closed table of reasons: code, kind, the requirement behind it, and what people are told.

The order is the contract's: the most decisive first. `docs/rules.md` is checked against this table.
"""

import unicodedata
from enum import StrEnum
from typing import Literal

from msgspec import Struct

Kind = Literal["acceptance", "refusal", "rejection"]


class Code(StrEnum):
    """Every reason code; the names are the contract."""

    __hash__ = str.__hash__

    PROFESSIONNEL_TO_PROFESSIONNEL = "PROFESSIONNEL_TO_PROFESSIONNEL"
    PROFESSIONNEL_TO_USAGER = "PROFESSIONNEL_TO_USAGER"
    CONTACT_OPEN = "CONTACT_OPEN"
    PHARMACY_OPEN_TO_USAGERS = "PHARMACY_OPEN_TO_USAGERS"

    ADDRESS_INVALID = "ADDRESS_INVALID"
    SENDER_DOMAIN_NOT_ADMITTED = "SENDER_DOMAIN_NOT_ADMITTED"
    RECIPIENT_DOMAIN_NOT_ADMITTED = "RECIPIENT_DOMAIN_NOT_ADMITTED"
    CERTIFICATE_NOT_ADMITTED = "CERTIFICATE_NOT_ADMITTED"
    SENDER_UNKNOWN = "SENDER_UNKNOWN"
    RECIPIENT_UNKNOWN = "RECIPIENT_UNKNOWN"
    SENDER_DELETED = "SENDER_DELETED"
    RECIPIENT_DELETED = "RECIPIENT_DELETED"
    SENDER_SUSPENDED = "SENDER_SUSPENDED"
    RECIPIENT_SUSPENDED = "RECIPIENT_SUSPENDED"
    OPERATOR_NOT_CONTRACTED = "OPERATOR_NOT_CONTRACTED"
    OPERATOR_NOT_COMMITTED = "OPERATOR_NOT_COMMITTED"
    CGU_NOT_SIGNED = "CGU_NOT_SIGNED"
    USAGER_TO_USAGER = "USAGER_TO_USAGER"
    CONTACT_NOT_OPENED = "CONTACT_NOT_OPENED"
    CONTACT_ENDED = "CONTACT_ENDED"
    REPLY_NOT_ALLOWED = "REPLY_NOT_ALLOWED"
    MIXED_RECIPIENTS = "MIXED_RECIPIENTS"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    OTHER_RECIPIENT_REFUSED = "OTHER_RECIPIENT_REFUSED"

    ALREADY_EXISTS = "ALREADY_EXISTS"
    NOT_FOUND = "NOT_FOUND"
    INS_INVALID = "INS_INVALID"
    DOMAIN_NOT_HOSTED = "DOMAIN_NOT_HOSTED"
    NOT_ALLOWED_IN_STATE = "NOT_ALLOWED_IN_STATE"


class Entry(Struct, frozen=True):
    """One row of the table; `remedy` is None where nothing is refused."""

    code: Code
    kind: Kind
    requirement: str
    fr: str
    en: str
    remedy: str | None = None

    @property
    def smtp(self) -> str | None:
        """What an SMTP server answers, in French without accents; None where no message is refused."""
        if self.kind != "refusal":
            return None
        plain = unicodedata.normalize("NFKD", self.fr).encode("ascii", "ignore").decode()
        return f"550 5.7.1 {self.code} {plain}"


def _acceptance(code: Code, requirement: str, fr: str, en: str) -> Entry:
    return Entry(code, "acceptance", requirement, fr, en)


def _refusal(code: Code, requirement: str, fr: str, en: str, remedy: str) -> Entry:
    return Entry(code, "refusal", requirement, fr, en, remedy)


def _rejection(code: Code, requirement: str, fr: str, en: str, remedy: str) -> Entry:
    return Entry(code, "rejection", requirement, fr, en, remedy)


_ENTRIES = (
    _acceptance(
        Code.PROFESSIONNEL_TO_PROFESSIONNEL,
        "DSFT MSSanté, rule 3: professionnels exchange between admitted domains",
        "Les professionnels échangent librement au sein de l'espace de confiance.",
        "Professionnels exchange freely within the trust space.",
    ),
    _acceptance(
        Code.PROFESSIONNEL_TO_USAGER,
        "DSFT MSSanté 1.4, rule 1: professionnels start",
        "Un professionnel peut écrire à un usager.",
        "A professionnel may write to a usager.",
    ),
    _acceptance(
        Code.CONTACT_OPEN,
        "DSFT MSSanté 1.4, rules 1 and 2: the right begins with the first message received",
        "L'usager a reçu un message de ce professionnel et peut lui écrire.",
        "The usager has received a message from this professionnel and may write to them.",
    ),
    _acceptance(
        Code.PHARMACY_OPEN_TO_USAGERS,
        "Mon espace santé, rule 7: pharmacies since 2023-05-22",
        "Un usager peut écrire le premier à la BAL organisationnelle publiée d'une pharmacie.",
        "A usager may write first to the published ORG mailbox of a pharmacy.",
    ),
    _refusal(
        Code.ADDRESS_INVALID,
        "RFC 5321 and rule 9: an address is compared whole",
        "L'adresse n'est pas une adresse de messagerie simple et complète.",
        "The address is not plainly one mail address.",
        "Write the bare address, local-part@domain, without quotes, routes or display name.",
    ),
    _refusal(
        Code.SENDER_DOMAIN_NOT_ADMITTED,
        "DSFT MSSanté, rule 8: liste blanche",
        "Le domaine de l'expéditeur ne figure pas dans la liste blanche MSSanté.",
        "The sender's domain is not in the MSSanté white list.",
        "The sender's domain must be admitted to the white list.",
    ),
    _refusal(
        Code.RECIPIENT_DOMAIN_NOT_ADMITTED,
        "DSFT MSSanté, rule 8: liste blanche",
        "Le domaine du destinataire ne figure pas dans la liste blanche MSSanté.",
        "The recipient's domain is not in the MSSanté white list.",
        "The recipient's domain must be admitted to the white list.",
    ),
    _refusal(
        Code.CERTIFICATE_NOT_ADMITTED,
        "DSFT MSSanté, rule 8: couples domaine et certificat",
        "Le certificat présenté n'est pas associé au domaine de l'expéditeur dans la liste blanche.",
        "The certificate presented is not paired with the sender's domain in the white list.",
        "Connect with a certificate that the white list pairs with the sender's domain.",
    ),
    _refusal(
        Code.SENDER_UNKNOWN,
        "Rule 9: hosted domains know their mailboxes",
        "La BAL de l'expéditeur n'existe pas.",
        "The sender's mailbox does not exist.",
        "Create the sender's mailbox, or open the usager's espace numérique de santé.",
    ),
    _refusal(
        Code.RECIPIENT_UNKNOWN,
        "Rule 9: hosted domains know their mailboxes",
        "La BAL du destinataire n'existe pas.",
        "The recipient's mailbox does not exist.",
        "Check the recipient's address in the directory.",
    ),
    _refusal(
        Code.SENDER_DELETED,
        "Rule 12: lifecycle of a BAL",
        "La BAL de l'expéditeur est fermée.",
        "The sender's mailbox is closed.",
        "Write from another mailbox; a closed one is never given again.",
    ),
    _refusal(
        Code.RECIPIENT_DELETED,
        "Rule 12: lifecycle of a BAL",
        "La BAL du destinataire est fermée.",
        "The recipient's mailbox is closed.",
        "Write to another mailbox of the recipient.",
    ),
    _refusal(
        Code.SENDER_SUSPENDED,
        "Rule 12: lifecycle of a BAL",
        "La BAL de l'expéditeur est suspendue.",
        "The sender's mailbox is suspended.",
        "The operator must resume the sender's mailbox.",
    ),
    _refusal(
        Code.RECIPIENT_SUSPENDED,
        "Rule 12: lifecycle of a BAL",
        "La BAL du destinataire est suspendue.",
        "The recipient's mailbox is suspended.",
        "The operator must resume the recipient's mailbox.",
    ),
    _refusal(
        Code.OPERATOR_NOT_CONTRACTED,
        "Contrat opérateur MSSanté, rule 11",
        "L'opérateur d'un domaine hébergé n'a pas signé le contrat opérateur.",
        "The operator of a hosted domain has not signed the contrat opérateur.",
        "The operator must be named for the domain and sign the contrat.",
    ),
    _refusal(
        Code.OPERATOR_NOT_COMMITTED,
        "Annexe 2 « Engagement de conformité MSSanté », rule 11",
        "L'opérateur d'un domaine hébergé n'est pas engagé sur le référentiel qui ouvre aux usagers, à partir du 1.4.",
        "The operator of a hosted domain is not committed to the référentiel that brings in usagers, from 1.4 on.",
        "From 1.4 on: the operator must sign Annexe 2 for it, and Avenant N°1 where it was in the space before.",
    ),
    _refusal(
        Code.CGU_NOT_SIGNED,
        "EX_DCU_5010, rule 10",
        "Le titulaire de la BAL n'a pas signé la version des CGU en vigueur.",
        "The mailbox's holder has not signed the version of the CGU in force.",
        "The holder must sign the version of the CGU in force.",
    ),
    _refusal(
        Code.USAGER_TO_USAGER,
        "DSFT MSSanté 1.4, rule 3",
        "Un usager ne peut pas écrire à un autre usager.",
        "A usager may not write to another usager.",
        "Nothing allows it; write to a professionnel.",
    ),
    _refusal(
        Code.CONTACT_NOT_OPENED,
        "DSFT MSSanté 1.4, rules 1 and 2",
        "L'usager n'a encore reçu aucun message de ce professionnel.",
        "The usager has not yet received a message from this professionnel.",
        "The professionnel must write first, and the usager must have received that message.",
    ),
    _refusal(
        Code.CONTACT_ENDED,
        "DSFT MSSanté 1.4, rule 4: [FIN]",
        "Le professionnel a mis fin à vos échanges.",
        "The professionnel has ended your exchange.",
        "The professionnel must write again, where a later message opens an ended contact.",
    ),
    _refusal(
        Code.REPLY_NOT_ALLOWED,
        "ECO.2.2.8, rule 4: X-MSS-MES: FIN",
        "Ce message n'autorise pas la réponse.",
        "This message does not allow an answer.",
        "Answer another message of the professionnel, or wait for one.",
    ),
    _refusal(
        Code.MIXED_RECIPIENTS,
        "Rule 6: one message to professionnels and usagers, since 2021-06-10",
        "À cette date, un message ne pouvait réunir des professionnels et des usagers.",
        "On that date one message could not go to professionnels and usagers together.",
        "Send one message to the professionnels and another to the usagers.",
    ),
    _refusal(
        Code.MESSAGE_TOO_LARGE,
        "Rule 13: 25 MB in total to the usagers' domain",
        "Le message dépasse la taille admise par le domaine du destinataire.",
        "The message is larger than the recipient's domain takes.",
        "Send a smaller message.",
    ),
    _refusal(
        Code.OTHER_RECIPIENT_REFUSED,
        "Rule 6: at the end of a message a gateway takes it for every recipient or for none",
        "Le message est refusé en entier, car un autre destinataire est refusé.",
        "The message is refused as a whole, because another recipient is refused.",
        "Send it again without the recipient who is refused.",
    ),
    _rejection(
        Code.ALREADY_EXISTS,
        "Rule 12: an address is unique and never given again",
        "Il existe déjà, avec d'autres caractéristiques.",
        "It exists already and is not the same.",
        "Choose another name or address.",
    ),
    _rejection(
        Code.NOT_FOUND,
        "A fact needs what it is about",
        "Ce que désigne la commande n'existe pas à cette date.",
        "What the command names does not exist at that time.",
        "Record what it rests on first, or correct the name or the time.",
    ),
    _rejection(
        Code.INS_INVALID,
        "Référentiel INS",
        "L'INS n'est pas valide, ou n'a pas sa place ici.",
        "The INS is not valid, or has no place here.",
        "Give the 15 characters of the INS with its key; a usager's mailbox is created by opening the ENS.",
    ),
    _rejection(
        Code.DOMAIN_NOT_HOSTED,
        "Rule 9: local and remote mailboxes",
        "Le domaine n'est pas hébergé par cette installation à cette date.",
        "The domain is not hosted by this installation at that time.",
        "Admit the domain with hosted set, or act where it is hosted.",
    ),
    _rejection(
        Code.NOT_ALLOWED_IN_STATE,
        "Rule 12: lifecycle",
        "L'état actuel ne le permet pas.",
        "The present state does not allow it.",
        "Look at the facts named by the reason.",
    ),
)

TABLE: dict[str, Entry] = {entry.code: entry for entry in _ENTRIES}
ORDER: dict[str, int] = {entry.code: place for place, entry in enumerate(_ENTRIES)}

"""What the table of reasons says in English alone, in French: the requirement behind a reason, and what changes it.

It stands here and not in the table, whose texts are the contract: an answer has one requirement and one remedy.
"""

from typing import Final, NamedTuple

from huissier.domain.reasons import Code


class French(NamedTuple):
    """A reason's requirement, and its remedy where it has one."""

    requirement: str
    remedy: str | None = None


_LISTE_BLANCHE: Final = "DSFT MSSanté, règle 8 : liste blanche"
_HEBERGE: Final = "Règle 9 : un domaine hébergé connaît ses BAL"
_VIE: Final = "Règle 12 : cycle de vie d'une BAL"

FRENCH: Final[dict[Code, French]] = {
    Code.PROFESSIONNEL_TO_PROFESSIONNEL: French(
        "DSFT MSSanté, règle 3 : les professionnels échangent entre domaines admis"
    ),
    Code.PROFESSIONNEL_TO_USAGER: French("DSFT MSSanté 1.4, règle 1 : les professionnels commencent"),
    Code.CONTACT_OPEN: French("DSFT MSSanté 1.4, règles 1 et 2 : le droit commence au premier message reçu"),
    Code.PHARMACY_OPEN_TO_USAGERS: French("Mon espace santé, règle 7 : pharmacies depuis le 2023-05-22"),
    Code.ADDRESS_INVALID: French(
        "RFC 5321 et règle 9 : une adresse se compare en entier",
        "Écrire l'adresse seule, partie-locale@domaine, sans guillemets, route ni nom affiché.",
    ),
    Code.SENDER_DOMAIN_NOT_ADMITTED: French(
        _LISTE_BLANCHE, "Le domaine de l'expéditeur doit être admis dans la liste blanche."
    ),
    Code.RECIPIENT_DOMAIN_NOT_ADMITTED: French(
        _LISTE_BLANCHE, "Le domaine du destinataire doit être admis dans la liste blanche."
    ),
    Code.CERTIFICATE_NOT_ADMITTED: French(
        "DSFT MSSanté, règle 8 : couples domaine et certificat",
        "Se connecter avec un certificat que la liste blanche associe au domaine de l'expéditeur.",
    ),
    Code.SENDER_UNKNOWN: French(
        _HEBERGE, "Créer la BAL de l'expéditeur, ou ouvrir l'espace numérique de santé de l'usager."
    ),
    Code.RECIPIENT_UNKNOWN: French(_HEBERGE, "Vérifier l'adresse du destinataire dans l'annuaire."),
    Code.SENDER_DELETED: French(_VIE, "Écrire d'une autre BAL ; une BAL fermée n'est jamais réattribuée."),
    Code.RECIPIENT_DELETED: French(_VIE, "Écrire à une autre BAL du destinataire."),
    Code.SENDER_SUSPENDED: French(_VIE, "L'opérateur doit réactiver la BAL de l'expéditeur."),
    Code.RECIPIENT_SUSPENDED: French(_VIE, "L'opérateur doit réactiver la BAL du destinataire."),
    Code.OPERATOR_NOT_CONTRACTED: French(
        "Contrat opérateur MSSanté, règle 11",
        "L'opérateur doit être nommé pour le domaine et signer le contrat.",
    ),
    Code.OPERATOR_NOT_COMMITTED: French(
        "Annexe 2 « Engagement de conformité MSSanté », règle 11",
        "À partir du 1.4 : l'opérateur doit signer l'Annexe 2 pour cette version, et l'Avenant N°1 s'il était déjà"
        " dans l'espace de confiance.",
    ),
    Code.CGU_NOT_SIGNED: French("EX_DCU_5010, règle 10", "Le titulaire doit signer la version des CGU en vigueur."),
    Code.USAGER_TO_USAGER: French("DSFT MSSanté 1.4, règle 3", "Rien ne le permet ; écrire plutôt à un professionnel."),
    Code.CONTACT_NOT_OPENED: French(
        "DSFT MSSanté 1.4, règles 1 et 2",
        "Le professionnel doit écrire le premier, et l'usager avoir reçu ce message.",
    ),
    Code.CONTACT_ENDED: French(
        "DSFT MSSanté 1.4, règle 4 : [FIN]",
        "Le professionnel doit écrire de nouveau, là où un message ultérieur rouvre une correspondance terminée.",
    ),
    Code.REPLY_NOT_ALLOWED: French(
        "ECO.2.2.8, règle 4 : X-MSS-MES : FIN",
        "Répondre à un autre message du professionnel, ou en attendre un.",
    ),
    Code.MIXED_RECIPIENTS: French(
        "Règle 6 : un même message à des professionnels et à des usagers, depuis le 2021-06-10",
        "Envoyer un message aux professionnels et un autre aux usagers.",
    ),
    Code.MESSAGE_TOO_LARGE: French(
        "Règle 13 : 25 Mo au total vers le domaine des usagers", "Envoyer un message moins volumineux."
    ),
    Code.OTHER_RECIPIENT_REFUSED: French(
        "Règle 6 : à la fin d'un message, la passerelle le prend pour tous les destinataires ou pour aucun",
        "L'envoyer de nouveau sans le destinataire refusé.",
    ),
    Code.ALREADY_EXISTS: French(
        "Règle 12 : une adresse est unique et n'est jamais réattribuée", "Choisir un autre nom ou une autre adresse."
    ),
    Code.NOT_FOUND: French(
        "Un fait suppose ce dont il parle",
        "Enregistrer d'abord ce sur quoi il repose, ou corriger le nom ou la date.",
    ),
    Code.INS_INVALID: French(
        "Référentiel INS",
        "Donner les 15 caractères de l'INS avec sa clé ; la BAL d'un usager se crée en ouvrant l'espace numérique de"
        " santé.",
    ),
    Code.DOMAIN_NOT_HOSTED: French(
        "Règle 9 : BAL locales et distantes", "Admettre le domaine comme hébergé, ou agir là où il est hébergé."
    ),
    Code.NOT_ALLOWED_IN_STATE: French("Règle 12 : cycle de vie", "Voir les faits que le motif désigne."),
}

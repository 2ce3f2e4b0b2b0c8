"""What a report says besides facts and reasons: French and English side by side, so that neither can lag behind."""

from collections.abc import Mapping
from typing import Final

from huissier.adapters.audit.telling import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Rapport d'audit", "Audit report"),
    "skip": ("Aller aux faits", "Skip to the facts"),
    "made": (
        "Établi le {made} par huissier {version}, sur un journal de {head} faits.",
        "Made on {made} by huissier {version}, from a log of {head} facts.",
    ),
    "utc": (
        "Toutes les heures sont en UTC. Un usager y figure sous un identifiant opaque : le journal n'a aucun INS.",
        "All times are UTC. A usager stands under an opaque id: no INS is in the log.",
    ),
    "about": ("Objet du rapport", "What this report is about"),
    "since": ("Faits survenus depuis", "Facts that happened since"),
    "until": ("Faits survenus jusqu'à", "Facts that happened until"),
    "mailbox": ("BAL", "Mailbox"),
    "contact": ("Correspondance entre", "Contact between"),
    "usager": ("Usager", "Usager"),
    "submission": ("Message", "Message"),
    "everything": ("Tout le journal", "The whole log"),
    "evidence": ("Preuve que rien n'a été modifié", "Proof that nothing was changed"),
    "unproved": (
        "Ce rapport ne prouve rien par lui-même : aucun point de contrôle du journal n'a été fourni. Il dit ce que le"
        " journal contenait quand il a été lu.",
        "This report proves nothing by itself: no checkpoint of the log was given. It says what the log held when it"
        " was read.",
    ),
    "refused": (
        "Rien n'est prouvé : aucun point de contrôle fourni ne porte les signatures attendues.",
        "Nothing is proved: no checkpoint that was given carries the signatures that were asked for.",
    ),
    "proved": (
        "Prouvé : tous les faits jusqu'à la position {signed} sont ceux qui ont été signés. Tout le journal a été haché"
        " de nouveau et comparé aux points de contrôle.",
        "Proved: all facts up to position {signed} are those that were signed. The whole log was hashed again and"
        " compared with the checkpoints.",
    ),
    "unkeyed": (
        "Non prouvé : jusqu'à la position {signed} le journal est celui que désigne le point de contrôle, mais aucune"
        " clé n'a été fournie, et nul ne sait donc qui l'a signé.",
        "Not proved: up to position {signed} the log is the one that the checkpoint speaks of, but no key was given, so"
        " who signed it was not checked.",
    ),
    "broken": (
        "Quelque chose ne va pas, comme dit ci-dessous. Jusqu'à la position {signed} les faits sont ceux d'un point de"
        " contrôle.",
        "Something is wrong, as said below. Up to position {signed} the facts are those of a checkpoint.",
    ),
    "checkpoints": ("Points de contrôle", "Checkpoints"),
    "file": ("Fichier", "File"),
    "origin": ("Journal", "Log"),
    "size": ("Faits", "Facts"),
    "root": ("Racine de l'arbre", "Root of the tree"),
    "signed-by": ("Signé par", "Signed by"),
    "unchecked": ("signature non vérifiée", "signature not checked"),
    "result": ("Résultat", "Result"),
    "agrees": ("le journal concorde", "the log agrees"),
    "differs": ("le journal diffère", "the log differs"),
    "problems": ("Ce qui ne va pas", "What is wrong"),
    "position": ("Position", "Position"),
    "notes": ("À savoir", "Worth knowing"),
    "timeline": ("Les faits, dans l'ordre du journal", "The facts, in the order of the log"),
    "none": ("Aucun fait du journal n'est concerné.", "No fact of the log is meant."),
    "recorded": ("enregistré le", "recorded"),
    "decision": ("Décision", "Decision"),
    "details": ("Motifs, faits et règles", "Reasons, facts and rules"),
    "unreadable": ("une adresse illisible", "an unreadable address"),
    "shadow": ("mais laissé passer (ombre)", "but let pass (shadow)"),
    "reasons-for": ("Motifs pour {who}", "Reasons for {who}"),
    "reason": ("Motif", "Reason"),
    "requirement": ("Exigé par", "Required by"),
    "remedy": ("Pour y remédier", "To change it"),
    "smtp": ("Réponse SMTP", "SMTP reply"),
    "rests": ("Repose sur", "Rests on"),
    "grounds": ("Faits sur lesquels la décision repose", "Facts the decision rested on"),
    "no-grounds": ("Aucun : les adresses suffisent.", "None: the addresses are enough."),
    "happened": ("Survenu", "Happened"),
    "fact": ("Fait", "Fact"),
    "brought": ("Amené par", "Brought about by"),
    "command": ("une commande", "a command"),
    "proof": ("Preuve", "Proof"),
    "rules": ("Règles en vigueur", "Rules in force"),
    "in-force": ("en vigueur depuis le", "in force since"),
    "unknown": ("que cette version ne connaît plus", "which this version no longer ships"),
    "chosen": ("choisi", "chosen"),
    "later": ("Ce qui a suivi", "What came afterwards"),
    "nothing": ("Rien n'a été rapporté sur ce message.", "Nothing was reported about this message."),
    "proof-not-checked": ("non vérifié", "not checked"),
    "proof-signed": ("tel que signé", "as it was signed"),
    "proof-named": ("tel que nommé, signature non vérifiée", "as named, signature not checked"),
    "proof-behind": ("après le dernier point de contrôle", "behind the last checkpoint"),
    "proof-doubtful": ("non prouvé : le journal diffère", "not proved: the log differs"),
    "end": (
        "Fin du rapport. Faits : {facts} ; décisions parmi eux : {decisions}.",
        "End of the report. Facts: {facts}; decisions among them: {decisions}.",
    ),
    "check": (
        "À vérifier soi-même avec huissier audit verify, huissier audit replay et la clé publique du journal.",
        "To check it oneself: huissier audit verify, huissier audit replay, and the log's public key.",
    ),
}


def words_in(language: Language) -> Mapping[str, str]:
    """Return the words of a language by their names."""
    place = 0 if language == "fr" else 1
    return {name: both[place] for name, both in _WORDS.items()}

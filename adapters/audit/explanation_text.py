"""An explanation for people, in French or English; each reason stands in both."""

from collections.abc import Iterator
from typing import Final

from huissier.adapters.audit.explaining import Explanation, Ground
from huissier.adapters.audit.lines import as_text, outcome_in
from huissier.adapters.audit.telling import Language
from huissier.adapters.printable import printable
from huissier.domain.answers import Reason, Verdict

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "rules": ("Règles", "Rules"),
    "since": ("en vigueur depuis", "in force since"),
    "unknown": ("que cette version ne connaît plus", "which this version no longer ships"),
    "default": ("par défaut", "default"),
    "chosen": ("choisi", "chosen"),
    "required": ("exigé par", "required by"),
    "answered": ("réponse SMTP", "SMTP reply"),
    "remedy": ("pour y remédier :", "to change it:"),
    "rests": ("repose sur", "rests on"),
    "grounds": ("Faits sur lesquels la décision repose", "Facts the decision rested on"),
    "none": ("aucun", "none"),
    "brought": ("amené par", "brought about by"),
    "command": ("venu d'une commande", "came by a command"),
    "later": ("Ensuite", "Afterwards"),
    "nothing": ("rien n'a été rapporté", "nothing was reported"),
    "shadow": ("mais laissé passer (ombre)", "but let pass (shadow)"),
    "unreadable": ("une adresse illisible", "an unreadable address"),
}


def text_of(explanation: Explanation, language: Language) -> Iterator[str]:
    """Yield the lines."""
    say = _Sayer(language)
    yield as_text(explanation.decision, language)
    yield ""
    yield from say.rules(explanation)
    for verdict in explanation.verdicts:
        yield ""
        yield from say.verdict(verdict)
    yield ""
    yield say.word("grounds")
    for ground in explanation.grounds:
        yield from say.ground(ground)
    if not explanation.grounds:
        yield f"  {say.word('none')}"
    yield ""
    yield say.word("later")
    for line in explanation.later:
        yield f"  {as_text(line, language)}"
    if not explanation.later:
        yield f"  {say.word('nothing')}"


class _Sayer:
    def __init__(self, language: Language) -> None:
        self._language: Language = language
        self._place = 0 if language == "fr" else 1

    def word(self, name: str) -> str:
        return _WORDS[name][self._place]

    def rules(self, explanation: Explanation) -> Iterator[str]:
        rules = explanation.rules
        since = self.word("unknown") if rules.since is None else f"{self.word('since')} {rules.since}"
        yield f"{self.word('rules')} {rules.name}, {since}"
        for name, value in rules.options.items():
            yield f"  {name}={value} ({self.word('chosen' if name in rules.chosen else 'default')})"

    def verdict(self, verdict: Verdict) -> Iterator[str]:
        recipient = printable(verdict.recipient) or self.word("unreadable")
        shadow = f", {self.word('shadow')}" if verdict.shadow else ""
        yield f"{recipient}: {outcome_in(verdict.outcome, self._language)}{shadow}"
        for reason in verdict.reasons:
            yield from self._reason(reason)

    def _reason(self, reason: Reason) -> Iterator[str]:
        yield f"  {reason.code}"
        yield f"    {reason.fr}"
        yield f"    {reason.en}"
        yield f"    {self.word('required')} {reason.requirement}"
        if reason.smtp:
            yield f"    {self.word('answered')} {reason.smtp}"
        if reason.remedy:
            yield f"    {self.word('remedy')} {reason.remedy}"
        if reason.facts:
            yield f"    {self.word('rests')} {', '.join(map(str, reason.facts))}"

    def ground(self, ground: Ground) -> Iterator[str]:
        yield f"  {as_text(ground.line, self._language)}"
        if ground.brought_by is None:
            yield f"    {self.word('command')}"
        else:
            yield f"    {self.word('brought')} {as_text(ground.brought_by, self._language)}"

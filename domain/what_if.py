"""What if: the decisions of a log taken again under other rules, and which verdicts would have been different.

Two readings. In the *fixed* one every decision is taken on the facts as they were. In the *counterfactual* one what
was decided otherwise has its consequences: contacts open or do not, deliveries are recorded or rejected. Both say how
the same questions would have been answered, not what people would have asked instead.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from msgspec import Struct, structs

from huissier.domain.events import MessageDecided, VerdictGiven
from huissier.domain.rule_set import RuleBook, RuleSet, read_label
from huissier.domain.vocabulary.errors import VocabularyError

Outcome = Literal["accepted", "refused", "in shadow"]


class Instead(Struct, frozen=True):
    """Other rules than those of the time: rule sets, and the options that are changed; the others stay."""

    rule_sets: tuple[RuleSet, ...]
    options: dict[str, Any]

    def book(self, label: str) -> RuleBook | None:
        """Return the rules in place of those that a decision's label names; None where it cannot be read."""
        try:
            _, was = read_label(label)
        except VocabularyError:
            return None
        return RuleBook(structs.replace(was, **self.options), self.rule_sets)


class Change(NamedTuple):
    """A recipient's verdict as it was and as it would have been."""

    before: VerdictGiven
    after: VerdictGiven

    @property
    def flips(self) -> bool:
        """Whether the outcome differs, and not only the reasons."""
        return outcome(self.before) != outcome(self.after)

    @property
    def decisive(self) -> str:
        """The most decisive reason of the refusal that came or went."""
        refusal = self.after if not self.after.accepted else self.before
        return refusal.reasons[0].code if refusal.reasons else ""


def outcome(verdict: VerdictGiven) -> Outcome:
    """Return what a verdict comes to at a gateway."""
    if verdict.accepted:
        return "accepted"
    return "in shadow" if verdict.shadow else "refused"


def changes(before: MessageDecided, after: MessageDecided) -> Iterator[Change]:
    """Yield the verdicts that differ; the facts that reasons rest on do not count, for their positions may differ."""
    for one, other in zip(before.verdicts, after.verdicts, strict=False):
        change = Change(one, other)
        if change.flips or _codes(one) != _codes(other):
            yield change


def contacts(decided: MessageDecided) -> set[tuple[str, str]]:
    """Return the contacts that a message opens once it is delivered, or ends, or in which it may not be answered."""
    addresses = (*decided.opens, *decided.ends, *decided.unanswerable)
    usagers = [verdict.recipient for verdict in decided.verdicts if verdict.accepted and verdict.usager]
    return {(usager, address) for usager in usagers for address in addresses}


def contacts_affected(before: MessageDecided, after: MessageDecided, *, from_usager: bool) -> set[tuple[str, str]]:
    """Return the contacts that differ: those of a usager's flips, or those on which only one decision has an effect."""
    if not from_usager:
        return contacts(before) ^ contacts(after)
    flipped = (change.before for change in changes(before, after) if change.flips)
    return {(before.sender, verdict.recipient) for verdict in flipped if verdict.recipient and not verdict.usager}


def _codes(verdict: VerdictGiven) -> list[str]:
    return [reason.code for reason in verdict.reasons]

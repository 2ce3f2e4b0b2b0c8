"""A log decided again under other rules: which verdicts would have been different, and what follows from that."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache, partial
from typing import Final, Literal, Self

import msgspec

from huissier.adapters.audit.replay.crew import Crew, Finding, Share, Tally
from huissier.adapters.audit.replay.past import Past
from huissier.adapters.audit.replay.shares import Split
from huissier.adapters.audit.replay.sources import Row, Source
from huissier.adapters.log import codec
from huissier.domain.asked import Other, report_behind
from huissier.domain.commands import ReportDelivery
from huissier.domain.decide import decide
from huissier.domain.decision import Recorded
from huissier.domain.events import (
    AnyEvent,
    CommandRejected,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
)
from huissier.domain.message import leaves_a_fact
from huissier.domain.rejections import report
from huissier.domain.replay import NOT_WHOLE, RULES_UNKNOWN, decision
from huissier.domain.rule_set import RuleBook
from huissier.domain.tags import contact_tag, submission_tag, tags_of
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.what_if import Change, Instead, Outcome, changes, contacts_affected, outcome

Reading = Literal["fixed", "counterfactual"]
Counts = dict[str, dict[str, int]]

REPORT_NOT_KEPT: Final = "rejected reports of deliveries written before their recipient was kept"
_ABOUT_REPORTS: Final = str(ReportDelivery.__struct_config__.tag)
_SUBMISSIONS: Final = submission_tag("")


class Flip(Finding, frozen=True, kw_only=True):
    """A verdict whose outcome would have been another, with all reasons before and after, most decisive first."""

    at: datetime
    id: str
    sender: str
    recipient: str
    before: Outcome
    before_reasons: tuple[str, ...]
    before_rules: str
    after: Outcome
    after_reasons: tuple[str, ...]
    after_rules: str


class Report(msgspec.Struct, frozen=True):
    """What other rules come to: flips by outcome before and after, each by decisive reason and by domain at either end.

    `other_reasons`: verdicts that stay for other reasons. `deliveries_lost`, `deliveries_gained`: reports about
    usagers that would not have been recorded, or would have been; counterfactual only.
    """

    reading: Reading
    decisions: int
    verdicts: int
    flips: int
    reasons: Counts
    domains: Counts
    other_reasons: int
    contacts_affected: int
    deliveries_lost: int
    deliveries_gained: int
    not_known: dict[str, int]


def what_if(
    source: Source, instead: Instead, reading: Reading, *, last: int | None = None, jobs: int | None = None
) -> Crew[Flip]:
    """Decide a log again under other rules."""
    return Crew(source, partial(Supposing, instead, reading), until=last, jobs=jobs)


def report_of(tally: Tally, reading: Reading) -> Report:
    """Return what the tally of a what-if says."""
    return Report(
        reading=reading,
        decisions=tally["decisions",],
        verdicts=tally["verdicts",],
        flips=tally["flips",],
        reasons=_counts(tally, "reason"),
        domains=_counts(tally, "domain"),
        other_reasons=tally["other reasons",],
        contacts_affected=tally["contacts",],
        deliveries_lost=tally["deliveries lost",],
        deliveries_gained=tally["deliveries gained",],
        not_known={name[1]: count for name, count in sorted(tally.items()) if name[0] == "not known"},
    )


def _counts(tally: Tally, what: str) -> Counts:
    found: Counts = {}
    for (kind, *names), count in sorted(tally.items(), key=lambda item: (-item[1], item[0])):
        if kind == what:
            found.setdefault(names[0], {})[names[1]] = count
    return found


class Supposing:
    """One share of a what-if."""

    def __init__(self, instead: Instead, reading: Reading, share: Share) -> None:
        """Read a log in one of the two readings."""
        self._is_fixed = reading == "fixed"
        self._past = Past()
        self._split = Split(share, self._past.facts)
        self._book = lru_cache(maxsize=256)(instead.book)
        self.tally: Tally = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._past.__exit__()

    def take(self, row: Row) -> Iterator[Flip]:
        """Decide a submission again where it is in this share, and fold the fact then left. Raises `StoreError`."""
        stored = codec.decode(row.data, row.position)
        fact = Fact(stored.event.at, row.position, stored.event)
        supposed: AnyEvent | None = stored.event
        if isinstance(stored.event, MessageDecided):
            again = self._decided(stored.event)
            if again is not None:
                yield from self._flips(fact, stored.event, again)
            supposed = stored.event if self._is_fixed else self._left_by(stored.event, again)
        elif not self._is_fixed:
            supposed = self._followed(stored.event)
        if supposed is stored.event:
            self._fold(fact, row.data)
        elif supposed is not None:
            self._fold(Fact(supposed.at, row.position, supposed), codec.encode(supposed, stored.recorded_at).data)
        self._split.passed(stored.event)

    def _decided(self, event: MessageDecided) -> MessageDecided | None:
        """Decide a submission again; None where that is another share's, or it names rules that nobody knows."""
        mine = self._split.decides(event)
        if not mine and (self._split.may_be_usager(event.sender) or not self._split.has_contacts_of(event)):
            return None
        book: RuleBook | None = self._book(event.rules)
        if mine:
            self._count(event, book)
        return None if book is None else decision(event, self._past.facts, book.at(event.at))

    def _count(self, event: MessageDecided, book: RuleBook | None) -> None:
        if book is None:
            self.tally["not known", RULES_UNKNOWN] += 1
            return
        self.tally["decisions",] += 1
        self.tally["verdicts",] += len(event.verdicts)
        if not event.whole:
            self.tally["not known", NOT_WHOLE] += 1

    def _flips(self, fact: Fact, event: MessageDecided, again: MessageDecided) -> Iterator[Flip]:
        from_usager = self._split.may_be_usager(event.sender)
        for usager, address in contacts_affected(event, again, from_usager=from_usager):
            if self._split.has(usager):
                self.tally["contacts",] += self._past.meet(contact_tag(usager, address))
        if not self._split.decides(event):
            return
        for change in changes(event, again):
            if change.flips:
                self._count_flip(event, change)
                yield _flip(fact, event, again, change)
            else:
                self.tally["other reasons",] += 1

    def _count_flip(self, event: MessageDecided, change: Change) -> None:
        what = f"{outcome(change.before)} to {outcome(change.after)}"
        self.tally["flips",] += 1
        self.tally["reason", what, change.decisive] += 1
        for domain in {MailboxAddress.of_fact(text).domain for text in (event.sender, change.before.recipient)}:
            self.tally["domain", what, domain] += 1

    def _left_by(self, event: MessageDecided, again: MessageDecided | None) -> MessageDecided | None:
        """Return the fact that a decision leaves; where it cannot be taken again, the one that is there."""
        if again is None:
            return event
        return again if leaves_a_fact(again) else None

    def _followed(self, event: AnyEvent) -> AnyEvent | None:
        """Return the fact that would stand in a fact's place after decisions that differ."""
        match event:
            case MessageDelivered() | MessageUndelivered() if self._split.has(event.recipient):
                supposed = self._reported(report_behind(event))
                lost = isinstance(event, MessageDelivered) and event.usager and supposed is None
                self.tally["deliveries lost",] += lost
                return supposed
            case CommandRejected(command="report-delivery", recipient=str(to), status=str(status)):
                if not self._split.has(to):
                    return None
                supposed = self._reported(report(event, to, status))
                gained = isinstance(supposed, MessageDelivered) and supposed.usager
                self.tally["deliveries gained",] += gained
                return supposed
            case CommandRejected(command="report-delivery", status=None):
                self.tally["not known", REPORT_NOT_KEPT] += self._split.has(event.subject)
                return event
            case _:
                return event

    def _reported(self, asked: Other) -> AnyEvent | None:
        command, who = asked
        outcome = decide(command, who, command.at, self._past.facts) if command.at else None
        return outcome.event if isinstance(outcome, Recorded) else None

    def _fold(self, fact: Fact, data: bytes) -> None:
        """Put a fact aside; what was answered under an id matters only where reports are decided again."""
        if self._split.folds(fact.event):
            tags = tags_of(fact.event)
            self._past.put([t for t in tags if not (self._is_fixed and t.startswith(_SUBMISSIONS))], fact, data)


def _flip(fact: Fact, event: MessageDecided, again: MessageDecided, change: Change) -> Flip:
    return Flip(
        position=fact.position,
        at=fact.at,
        id=event.id,
        sender=event.sender,
        recipient=change.before.recipient,
        before=outcome(change.before),
        before_reasons=tuple(reason.code for reason in change.before.reasons),
        before_rules=event.rules,
        after=outcome(change.after),
        after_reasons=tuple(reason.code for reason in change.after.reasons),
        after_rules=again.rules,
    )

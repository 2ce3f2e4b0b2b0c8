"""As of: who might write to whom at a moment, and what changed the answer afterwards, fact by fact.

An answer changes by a fact, or because time passes: rules come into force, a deadline or a grace ends.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from huissier.domain.commands import SubmitMessage
from huissier.domain.events import CguPublished, DomainWithdrawn, VerdictGiven
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message
from huissier.domain.rule_set import RuleBook
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress

_INSTANT: Final = timedelta(microseconds=1)


class Told(NamedTuple):
    """A fact, and those of its tags that the question needs."""

    fact: Fact
    tags: frozenset[str]


class Answer(NamedTuple):
    """What is answered from a moment on; `cause`: the fact that changed the answer, or what time brought."""

    at: datetime
    verdict: VerdictGiven
    rules: str
    cause: Fact | str | None = None


class Question(NamedTuple):
    """May one write to the other: a plain message, of which nothing more is known."""

    sender: MailboxAddress
    recipient: MailboxAddress

    @property
    def command(self) -> SubmitMessage:
        """The question as a submission."""
        return SubmitMessage(id="", sender=self.sender.text, recipients=[self.recipient.text])

    @property
    def identities(self) -> Identities:
        """Whom it means."""
        return Identities(addresses={address.text: address for address in self})


class History(NamedTuple):
    """All tags that a question needs, and all facts under them."""

    tags: list[str]
    told: list[Told]


class _Step(NamedTuple):
    """Something that may change the answer; at one moment, first what time brings, then facts by position."""

    at: datetime
    position: int
    cause: Told | str


def answers(question: Question, history: History, book: RuleBook, since: datetime) -> Iterator[Answer]:
    """Yield the answer at a moment, then each later one that differs, with its cause.

    Facts of one instant give one answer together; the one that settled it is named.
    """
    facts = Facts()
    facts.learn(history.tags)
    steps = _steps(history.told, book)
    before = bisect_right(steps, since, key=lambda step: step.at)
    for step in steps[:before]:
        _take_in(step, facts)
    answer = _answer(question, facts, book, since)
    yield answer
    for at, together in groupby(steps[before:], key=lambda step: step.at):
        found = answer
        for step in together:
            _take_in(step, facts)
            now = _answer(question, facts, book, at)
            if _said(now) != _said(found):
                found = now._replace(cause=step.cause.fact if isinstance(step.cause, Told) else step.cause)
        if _said(found) != _said(answer):
            answer = found
            yield found


def _steps(told: list[Told], book: RuleBook) -> list[_Step]:
    facts = [_Step(one.fact.at, one.fact.position, one) for one in told]
    return sorted([*facts, *_by_time(told, book)], key=lambda step: (step.at, step.position))


def _by_time(told: list[Told], book: RuleBook) -> Iterator[_Step]:
    for rules in book.rule_sets:
        yield _Step(rules.since, 0, f"rule set {rules.name} comes into force")
        yield _Step(rules.commitment_deadline, 0, "the time to commit to the référentiel is over")
    grace = timedelta(days=book.options.withdrawal_grace_days)
    for fact, _ in told:
        match fact.event:
            case CguPublished(deadline=datetime() as deadline, version=version):
                yield from _passing(deadline, _INSTANT, f"the time to sign version {version} of the CGU is over")
            case DomainWithdrawn(domain=domain) if grace:
                yield from _passing(fact.at, grace, f"the grace after a withdrawal of {domain} is over")
            case _:
                pass


def _passing(since: datetime, after: timedelta, cause: str) -> Iterator[_Step]:
    with suppress(OverflowError):  # beyond the calendar it never comes
        yield _Step(since + after, 0, cause)


def _take_in(step: _Step, facts: Facts) -> None:
    if isinstance(step.cause, Told):
        facts.add(step.cause.tags, step.cause.fact)


def _answer(question: Question, facts: Facts, book: RuleBook, at: datetime) -> Answer:
    decided = decide_message(question.command, question.identities, at, facts, book.at(at))
    return Answer(at, decided.verdicts[0], decided.rules)


def _said(answer: Answer) -> tuple[bool, bool, list[str]]:
    verdict = answer.verdict
    return verdict.accepted, verdict.shadow, [reason.code for reason in verdict.reasons]

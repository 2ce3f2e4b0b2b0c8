"""The facts behind decisions: one timeline per tag."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from huissier.domain import contact, mailbox, operator, submission, trust_space
from huissier.domain.contact import Contact
from huissier.domain.mailbox import Mailbox
from huissier.domain.operator import Operator
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.submission import Submission
from huissier.domain.tags import contact_tag, domain_tag, mailbox_tag, operator_tag, submission_tag
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.address import MailboxAddress

AnyTimeline = Timeline[Any]


def new_timeline(tag: str) -> AnyTimeline:
    """Return the empty timeline of the subject a tag names."""
    family, _, name = tag.partition(":")
    return _FAMILIES[family](name)


_FAMILIES: dict[str, Callable[[str], AnyTimeline]] = {
    "operator": lambda _: Timeline(operator.UNKNOWN, operator.evolve),
    "domain": lambda _: Timeline(trust_space.UNKNOWN, trust_space.evolve),
    "mailbox": lambda _: Timeline(mailbox.UNKNOWN, mailbox.evolve),
    "submission": lambda _: Timeline(submission.UNKNOWN, submission.evolve),
    "contact": lambda name: Timeline(contact.UNKNOWN, partial(contact.evolve, professionnel=name.partition("|")[2])),
}


class Facts:
    """Timelines by tag, those used last at the end. Each is complete up to the position its keeper has read."""

    def __init__(self, timelines: OrderedDict[str, AnyTimeline] | None = None) -> None:
        """Start with no timelines, or with a mapping that holds them or makes them on demand."""
        self._timelines = OrderedDict() if timelines is None else timelines
        self.size = 0

    def not_recalled(self, tags: Iterable[str]) -> list[str]:
        """Return which subjects are not known, each once; the others count as used just now."""
        known = self._timelines
        unknown: dict[str, None] = {}
        for tag in tags:
            if tag in known:
                known.move_to_end(tag)
            else:
                unknown[tag] = None
        return list(unknown)

    def knows_any(self, tags: Iterable[str]) -> bool:
        """Say whether a fact with these tags would change anything that is known here."""
        return any(tag in self._timelines for tag in tags)

    def learn(self, tags: Iterable[str]) -> None:
        """Make room for subjects that are not known and whose facts are about to be added."""
        for tag in tags:
            self._timelines[tag] = new_timeline(tag)
            self.size += 1

    def add(self, tags: Iterable[str], fact: Fact) -> None:
        """Add a fact to those of its subjects that are known here."""
        for tag in tags:
            if (timeline := self._timelines.get(tag)) is not None:
                timeline.add(fact)
                self.size += 1

    def drop(self, tags: Iterable[str]) -> None:
        """Forget some subjects; they will be read again."""
        for tag in tags:
            if (timeline := self._timelines.pop(tag, None)) is not None:
                self.size -= 1 + len(timeline.facts)

    def shrink_to(self, size: int) -> None:
        """Forget the subjects unused for longest; `size` counts subjects and their facts."""
        while self.size > size:
            _, timeline = self._timelines.popitem(last=False)
            self.size -= 1 + len(timeline.facts)

    def forget(self) -> None:
        """Drop everything; it will be read again."""
        self._timelines.clear()
        self.size = 0

    def operator(self, name: str) -> Timeline[Operator]:
        """Return an operator's timeline."""
        return self._timelines[operator_tag(name)]

    def domain(self, name: str) -> Timeline[AdmittedDomain]:
        """Return a domain's timeline."""
        return self._timelines[domain_tag(name)]

    def mailbox(self, address: MailboxAddress) -> Timeline[Mailbox]:
        """Return a mailbox's timeline."""
        return self._timelines[mailbox_tag(address.text)]

    def contact(self, usager: MailboxAddress, professionnel: MailboxAddress) -> Timeline[Contact]:
        """Return the timeline between a usager and a professional address."""
        return self._timelines[contact_tag(usager.text, professionnel.text)]

    def submission(self, id_: str) -> Timeline[Submission]:
        """Return what became of a submission."""
        return self._timelines[submission_tag(id_)]

    def operators_of(self, domain: str) -> Iterator[str]:
        """Name the operators a known domain ever had: the one of any date may be asked for."""
        return trust_space.operators_in(self.domain(domain))

    def may_be_usagers(self, name: str) -> bool:
        """Say whether a domain was usagers' at any time: `patient.mssante.fr`, or an operator of kind usager had it."""
        return name == USAGERS_DOMAIN or any(
            self.operator(runs_it).latest.kind == "usager" for runs_it in self.operators_of(name)
        )

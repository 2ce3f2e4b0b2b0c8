"""What one decision depends on: the facts, the words in which each is told, and the forms that go under one word.

A *form* is what really stands in the state of a party, a contact, the message or the rule set: by its slot, such as
`sender.domain.admitted`, its value. Some combinations of them no history leads to; what holds of all holds of the
others. Forms that no rule tells apart go under one *word*: the grace after a withdrawal is as good as an admission.
Three claims make the space small, and `test_the_space_is_complete` proves each of them:

- forms of one word are judged alike;
- a fact makes no difference outside the company in which it `matters`: what an operator signed does not, where its
  domain is hosted elsewhere;
- a fact that stands `alone` is looked at by one rule only, so that it adds that rule's reason or not, whatever the
  others say.

Two things never vary. `NOW` is when the message is sent: rules compare times and subtract them, so all others stand
before, at and after the moments that count, seen from it. Log positions are told as grounds and weighed by nobody.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final

from huissier.domain.contact import Sent
from tests.enumeration.parties import certificates, cgu, party, pharmacies
from tests.enumeration.words import DAY, DOMAIN, INSTANT, NOW, Fact, Form, forms, sort


def _sizes() -> dict[str, list[Form]]:
    """Rule 13: a domain's own limit comes before the general one, which is the usagers' domains' alone."""
    slots = ("size", "rules.usagers_size_limit", "rules.size_limits")
    own = {DOMAIN["recipient"]: 10}
    within = [(None, 10, own), (11, None, {}), (10, 10, {}), (10, None, own), (10, 5, own), (11, None, {"else.fr": 10})]
    return {
        "over the domain's limit": forms(slots, [(11, None, own), (11, 20, own)]),
        "over the usagers' limit": forms(slots, [(11, 10, {}), (11, 10, {"else.fr": 20})]),
        "within its limits": forms(slots, within),
    }


def _contacts() -> Mapping[str, list[Form]]:
    """Rules 1, 4 and 5: the last message received, sent before or after the one that ended the contact."""
    slots = ("contact.opened", "contact.opened_by", "contact.ended", "rules.options.reopening")
    first, then, later = Sent(NOW - DAY, 1), Sent(NOW - DAY, 2), Sent(NOW, 3)
    found = [
        (opened, opened and 9, ended, reopening)
        for opened, ended, reopening in product((None, first, later), (None, then), (True, False))
    ]

    def word(form: Form) -> str:
        opened, _, ended, reopening = form.values()
        if ended is not None and not (reopening and opened == later):
            return "ended"
        return "open" if opened else "none"

    return sort(word, ("none", "ended", "open"), forms(slots, found))


def _answers() -> dict[str, list[Form]]:
    slots = ("in_reply_to", "contact.unanswerable")
    return {
        "is forbidden": forms(slots, [(("a",), (("a", 1),)), (("b", "a"), (("c", 1), ("a", 2)))]),
        "may be sent": forms(slots, [((), ()), ((), (("a", 1),)), (("a",), ()), (("a", "b"), (("c", 1),))]),
    }


def _uncommitted() -> dict[str, list[Form]]:
    """Rule 11: professional mail of operators that are not committed stops only by option, from the deadline on."""
    slots = ("rules.options.uncommitted_operators", "rules.commitment_deadline")
    goes_on = [("no-usagers", NOW - DAY), ("no-usagers", NOW + DAY), ("no-mail", NOW + INSTANT)]
    return {"do not write": forms(slots, [("no-mail", NOW - DAY), ("no-mail", NOW)]), "write": forms(slots, goes_on)}


_SIGNING: Final = {
    "sender_hosted": ("here",),
    "sender_operator": ("no contrat", "not committed", "committed"),
    "sender_mailbox": ("active", "suspended", "deleted"),
}
_USAGER_WRITES: Final = {
    "sender_is": ("usager",),
    "recipient_address": ("readable",),
    "recipient_is": ("professionnel",),
}

_MIXED: Final = ("mixed", "rules.mixed_recipients")
_NO_USAGER: Final = {"sender_is": ("professionnel",), "recipient_is": ("professionnel",)}

FACTS: Final[Mapping[str, Fact]] = {
    **party("sender"),
    "certificate": Fact(certificates(), ({"sender_address": ("readable",)},), alone=True),
    "cgu": Fact(cgu(), (_SIGNING,), alone=True),
    **party("recipient"),
    "recipient_mailbox_is": Fact(pharmacies(), (_USAGER_WRITES,), nobodys="no pharmacy's"),
    "size": Fact(_sizes(), ({"recipient_address": ("readable",)},), alone=True),
    "contact": Fact(_contacts(), (_USAGER_WRITES,)),
    "an_answer": Fact(_answers(), (_USAGER_WRITES,), alone=True),
    "kinds_of_recipients": Fact(
        {
            "may not be mixed": forms(_MIXED, [(True, False)]),
            "may be": forms(_MIXED, [(False, False), (False, True), (True, True)]),
        },
        alone=True,
    ),
    "usagers": Fact(
        {"take no part": [{"rules.usagers": False}], "take part": [{"rules.usagers": True}]},
        ({"sender_is": ("usager",)}, {"recipient_is": ("usager",)}),
        alone=True,
    ),
    "the_uncommitted": Fact(_uncommitted(), (_NO_USAGER,), alone=True),
}

"""What must hold in the end: Postfix's own log and mailboxes against the log of huissier."""

import re
from collections import Counter
from typing import NamedTuple

import huissier
from huissier.adapters.log import codec
from huissier.adapters.testing.hospital import PATIENTS
from huissier.domain.events import AnyEvent, MessageDecided
from huissier.domain.reasons import TABLE
from tests.postfix.gateway import NAME
from tests.postfix.server import Postfix

_SENT = re.compile(r"\]: (\w+): to=<([^>]*)>.* status=sent ")
_REJECTED = re.compile(r"(?:milter-)?reject: (RCPT|END-OF-MESSAGE) from .*? 5\.\d\.\d .*?([A-Z]+(?:_[A-Z]+)+) ")
_FROM_NOBODY = re.compile(r"\]: (\w+): from=<>,")
_RECEIVED = re.compile(r"\sid\s+(\w+)")


class Reckoning(NamedTuple):
    """Deliveries as (queue id, recipient), and refusals as (stage, code); by Postfix and by huissier."""

    delivered: Counter[tuple[str, str]]
    accepted: Counter[tuple[str, str]]
    refused: Counter[tuple[str, str]]
    recorded: Counter[tuple[str, str]]


def facts(url: str) -> list[AnyEvent]:
    """Return the whole log of huissier."""
    with huissier.open(url) as engine, engine.log.reading() as look:
        return [codec.decode_fact(data, position).event for position, data, _ in look.after(0, 1_000_000)]


def reckon(server: Postfix, url: str) -> Reckoning:
    """Count what both tell, and make sure that Postfix's log and mailboxes tell the same.

    Under its pseudonym nobody can tell whose an address is: usagers are told apart by nothing but their number.
    """
    lines = server.all_lines()
    from_nobody = {found[1] for line in lines if (found := _FROM_NOBODY.search(line))}
    sent = [(found[1], found[2].lower()) for line in lines if (found := _SENT.search(line))]
    assert Counter(sent) == Counter(_in_mailboxes(server))
    decisions = [event for event in facts(url) if isinstance(event, MessageDecided)]
    refused = (found for line in lines if (found := _REJECTED.search(line)) and found[2] in TABLE)
    return Reckoning(
        Counter((queue, _plain(to)) for queue, to in sent if queue not in from_nobody),
        Counter(
            (decision.id.removeprefix(f"{NAME}/"), _plain(verdict.recipient))
            for decision in decisions
            for verdict in decision.verdicts
            if verdict.accepted and decision.stage == "end-of-message"
        ),
        Counter((found[1], found[2]) for found in refused),
        Counter(
            ("RCPT" if decision.stage == "rcpt" else "END-OF-MESSAGE", _telling(decision))
            for decision in decisions
            if any(not verdict.accepted for verdict in decision.verdicts)
        ),
    )


def assert_all_agree(server: Postfix, url: str) -> Reckoning:
    """Every delivered message has exactly one acceptance, every refusal one record, and nothing else is recorded."""
    found = reckon(server, url)
    assert found.delivered == found.accepted
    assert found.refused == found.recorded
    return found


def assert_nothing_passed_unrecorded(server: Postfix, url: str) -> Reckoning:
    """As before, where answers were lost on the way: then more may be recorded than became of it, never less."""
    found = reckon(server, url)
    assert all(found.accepted[one] == count for one, count in found.delivered.items())
    assert all(count == 1 for count in _by_queue(found.accepted))
    assert not found.refused - found.recorded
    return found


def _by_queue(accepted: Counter[tuple[str, str]]) -> list[int]:
    return [count for (_, recipient), count in accepted.items() if recipient != PATIENTS]


def _plain(address: str) -> str:
    domain = address.rpartition("@")[2]
    return PATIENTS if domain == PATIENTS else address


def _telling(decision: MessageDecided) -> str:
    codes = [verdict.reasons[0].code for verdict in decision.verdicts if not verdict.accepted]
    return str(next((code for code in codes if code != "OTHER_RECIPIENT_REFUSED"), codes[0]))


def _in_mailboxes(server: Postfix) -> list[tuple[str, str]]:
    """Return for each message that was delivered its queue id and for whom it was."""
    found = []
    for message in server.messages():
        received = _RECEIVED.search(message["Received"])
        assert received is not None
        found.append((received[1], message["Delivered-To"].lower()))
    return found

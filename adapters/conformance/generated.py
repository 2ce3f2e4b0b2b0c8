"""Generated sessions: anybody writes to anybody, in any spelling, and the reference twin says what must be answered."""

from datetime import UTC, datetime
from random import Random
from typing import Final, NamedTuple

from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Check, Protocol
from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.mail_server import MailServer, Session
from huissier.adapters.conformance.rule_checks import look_alikes
from huissier.adapters.conformance.wire import FoundError
from huissier.adapters.testing.hospital import NOBODY, OUTSIDER, REMOTE_DOCTOR, SECRETARIAT
from huissier.adapters.testing.reference.twin import Twin
from huissier.domain.commands import Stage, SubmitMessage
from huissier.domain.reasons import TABLE
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import without_ins

_ORGANISATIONS: Final = (SECRETARIAT, w.PHARMACY, w.HIDDEN_PHARMACY)
_PEOPLE: Final = (*w.PLAYERS, *w.TO_PLAY, *_ORGANISATIONS)  # who meet each other here, and in no other check
_ELSEWHERE: Final = (w.CLINICIAN, w.VETERAN, w.MIDWIFE, w.FORMER, REMOTE_DOCTOR, OUTSIDER)
_STATES: Final = (w.SUSPENDED, w.RESUMED, w.DELETED, w.LEFT, w.UNSIGNED, w.OUTDATED, NOBODY)
_OTHERS: Final = (w.PHARMACIST, *_ELSEWHERE, *_STATES, "")
_SIZES: Final = (*(0,) * 10, 24_000_000, 25_000_001)


class _Foreseen(NamedTuple):
    kind: str
    code: str | None


class _Written(NamedTuple):
    """A message of a session: who writes to whom, in which spelling, and how large it is said to be."""

    sender: str
    recipients: tuple[str, ...]
    size: int


def generated_check(protocol: Protocol, sessions: int, seed: int) -> Check:
    """Return a check that plays this many sessions, the same for the same seed."""

    def play(server: MailServer[Session]) -> None:
        _played(server, sessions, Random(seed))  # noqa: S311 not a secret: the same sessions can be had again

    sentence = f"{sessions} generated sessions (seed {seed}) are answered as the reference twin answers them."
    return Check("generated-sessions", "the rules, as the reference twin reads them", sentence, (protocol,), play)


def _played(server: MailServer[Session], sessions: int, random: Random) -> None:
    twin = Twin()
    for command in w.world():
        twin.handle(command)
    for number in range(sessions):
        with server.session() as session:
            for place in range(random.randint(1, 3)):
                message = _message(random)
                session.begin(message.sender, size=message.size)
                passed: list[str] = []
                for nth, recipient in enumerate(message.recipients):
                    expected = _foreseen(twin, f"g-{number}-{place}-{nth}", message, [recipient], "rcpt")
                    _compare(expected, session.recipient(recipient), message, recipient)
                    passed += [recipient] if expected.kind == "pass" else []
                if passed:
                    whole = _foreseen(twin, f"g-{number}-{place}", message, _each_once(passed), "end-of-message")
                    _compare(whole, session.end(size=max(message.size, 10)), message, "the end")
                else:
                    session.end().does_not_pass()


def _message(random: Random) -> _Written:
    recipients = [_anybody(random, 0.5) for _ in range(random.randint(1, 3))]
    sender = _anybody(random, 0.9) or _PEOPLE[0]
    spelled = tuple(_spelled(random, recipient) for recipient in recipients)
    return _Written(_same(random, sender), spelled, random.choice(_SIZES))


def _anybody(random: Random, of_people: float) -> str:
    return random.choice(_PEOPLE if random.random() < of_people else _OTHERS)


def _spelled(random: Random, address: str) -> str:
    return random.choice(look_alikes(address)) if address and random.random() < 0.15 else _same(random, address)


def _same(random: Random, address: str) -> str:
    return random.choice((address, address, address.upper(), address.title(), f"{address}." if address else ""))


def _foreseen(twin: Twin, id_: str, message: _Written, recipients: list[str], stage: Stage) -> _Foreseen:
    command = SubmitMessage(
        id=id_,
        at=datetime.now(UTC),
        sender=message.sender,
        recipients=recipients,
        size=message.size or None,
        final_hop=True,
        stage=stage,
    )
    answer = twin.handle(command)
    against = [verdict for verdict in answer.verdicts if verdict.outcome == "refused"]
    return _Foreseen("refuse", against[0].codes[0]) if against else _Foreseen("pass", None)


def _each_once(addresses: list[str]) -> list[str]:
    """Return one spelling of each mailbox."""
    found: dict[str, str] = {}
    for address in addresses:
        try:
            found.setdefault(MailboxAddress.parse(address).text, address)
        except VocabularyError:
            found.setdefault(address, address)
    return list(found.values())


def _compare(expected: _Foreseen, heard: Heard, message: _Written, about: str) -> None:
    try:
        heard.passes() if expected.kind == "pass" else heard.refuses(str(expected.code))
    except FoundError as problem:
        requirement = TABLE[expected.code].requirement if expected.code else "what no rule forbids must pass"
        told = f"from {message.sender} to {', '.join(message.recipients)}, {message.size} bytes"
        raise FoundError(without_ins(f"{about or '(nobody)'} {problem}; {requirement}; {told}")) from None

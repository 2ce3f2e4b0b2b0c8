"""Given these facts, when this is asked, then that is the answer: a scenario that can be read aloud.

    Story().given(*world()).when(write(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")

A step that fails prints the whole scenario in plain English. Besides what a scenario says, every `when` proves
that `check` gives the same verdicts and records nothing, and that the answer's position is the log's.
"""

import weakref
from datetime import UTC, datetime, time
from string import Formatter
from typing import NoReturn, Self

import pytest
from msgspec import structs

import huissier
from huissier import Answer, AnyCommand, Options, Reason, SubmitMessage, Verdict
from huissier.adapters.testing.hospital import NOW, ins
from huissier.domain.reasons import TABLE, Code

_NAMES = {ins(number): f"usager-{number}" for number in range(10)}


class Story:
    """One scenario on a store of its own, in memory; the clock stands still at `now`."""

    def __init__(self, options: Options | None = None, now: datetime = NOW) -> None:
        self.engine = huissier.open("sqlite://", clock=lambda: now, options=options)
        self._told: list[str] = (
            [] if options is None else [f"under the options {options.differences() or 'by default'}"]
        )
        self._answer: Answer | None = None
        weakref.finalize(self, self.engine.close)

    @property
    def answer(self) -> Answer:
        """The answer to the last `when`."""
        if self._answer is None:
            self._fail("nothing was asked yet: a `then` needs a `when`")
        return self._answer

    def given(self, *commands: AnyCommand) -> Self:
        """Have commands carried out; each must be recorded, unchanged or accepted."""
        for command, answer in zip(commands, self.engine.handle_many(commands), strict=True):
            self._told.append(f"given {said(command)}")
            if answer.outcome not in ("recorded", "unchanged", "accepted"):
                self._told.extend(_in_words(answer))
                self._fail("what was given did not come to pass")
        return self

    def when(self, command: AnyCommand) -> Self:
        """Ask for the answer that the following `then` is about."""
        before = self.engine.head
        checked = self.engine.check(command) if isinstance(command, SubmitMessage) else ()
        untouched = self.engine.head == before
        self._answer = self.engine.handle(command)
        self._told += [f"when {said(command)}", *_in_words(self._answer)]
        if not untouched:
            self._fail("`check` recorded something")
        if tuple(checked) != tuple(self._answer.verdicts):
            self._fail(f"`check` had said something else: {[_codes(verdict.reasons) for verdict in checked]}")
        self._expect_place_in_log(before)
        return self

    def then_accepted(self, *codes: str) -> Self:
        """Every recipient is accepted, for exactly these reasons."""
        return self._expect_everywhere("accepted", codes)

    def then_refused(self, *codes: str) -> Self:
        """Every recipient is refused, for exactly these reasons, in this order."""
        return self._expect_everywhere("refused", codes)

    def then_verdict(self, recipient: str, *codes: str) -> Self:
        """One recipient gets exactly these reasons; acceptance or refusal follows from them."""
        self._told.append(f"then the verdict for {_named(recipient)} is {list(codes)}")
        found = [verdict for verdict in self.answer.verdicts if verdict.recipient == recipient]
        if not found:
            self._fail(f"there is no verdict for {_named(recipient)}")
        for verdict in found:
            self._expect_verdict(verdict, _outcome_of(codes), codes)
        return self

    def then_mixed(self) -> Self:
        """Some recipients are accepted and some refused."""
        return self._expect_outcome("mixed")

    def then_rejected(self, code: str) -> Self:
        """The command cannot be carried out, for this one reason."""
        self._expect_outcome("rejected", f" with {code}")
        if _codes(self.answer.reasons) != [code]:
            self._fail("it was rejected for another reason")
        self._expect_explained(self.answer.reasons, smtp=False)
        return self

    def then_recorded(self) -> Self:
        """The command is recorded."""
        return self._expect_outcome("recorded")

    def then_unchanged(self) -> Self:
        """It was so already."""
        return self._expect_outcome("unchanged")

    def then_rests_on(self, *positions: int | None) -> Self:
        """The first reason rests on the facts at these positions of the log."""
        self._told.append(f"then the first reason rests on the facts {list(positions)}")
        reasons = self.answer.verdicts[0].reasons if self.answer.verdicts else self.answer.reasons
        if reasons[0].facts != positions:
            self._fail(f"it rests on {list(reasons[0].facts)}")
        return self

    def _expect_outcome(self, outcome: str, more: str = "") -> Self:
        self._told.append(f"then it is {outcome}{more}")
        if self.answer.outcome != outcome:
            self._fail(f"it was {self.answer.outcome}")
        return self

    def _expect_everywhere(self, outcome: str, codes: tuple[str, ...]) -> Self:
        self._expect_outcome(outcome, f" because of {list(codes)}")
        for verdict in self.answer.verdicts:
            self._expect_verdict(verdict, outcome, codes)
        return self

    def _expect_verdict(self, verdict: Verdict, outcome: str, codes: tuple[str, ...]) -> None:
        if verdict.outcome != outcome or _codes(verdict.reasons) != list(codes):
            self._fail(f"{_named(verdict.recipient)} was {verdict.outcome} because of {_codes(verdict.reasons)}")
        self._expect_explained(verdict.reasons, smtp=outcome == "refused")

    def _expect_explained(self, reasons: tuple[Reason, ...], *, smtp: bool) -> None:
        for reason in reasons:
            if (reason.smtp is not None) != smtp:
                self._fail(f"{reason.code} has an SMTP reply exactly where no message is refused")
            kind = TABLE[Code(reason.code)].kind
            if not (reason.requirement and reason.fr and reason.en):
                self._fail(f"{reason.code} is not explained")
            if (reason.remedy is None) != (kind == "acceptance"):
                self._fail(f"{reason.code} says the wrong thing about what would change it")
            if any(not 0 < position <= self.engine.head for position in reason.facts):
                self._fail(f"{reason.code} rests on facts that are not in the log")

    def _expect_place_in_log(self, before: int) -> None:
        answer, head = self.answer, self.engine.head
        appended = head - before
        repeated = answer.type == "submit-message" and answer.position is not None and answer.position <= before
        if answer.outcome == "unchanged" or repeated:
            if appended or (answer.outcome == "unchanged" and answer.position is not None):
                self._fail("something was appended although nothing changed")
        elif appended != 1 or answer.position != head:
            self._fail(f"the answer names position {answer.position}, the log went from {before} to {head}")

    def _fail(self, problem: str) -> NoReturn:
        told = "\n  ".join(self._told)
        pytest.fail(f"{problem}\n\n  {told}\n", pytrace=False)


def said(command: AnyCommand) -> str:
    """Return a command as a person would say it, usagers by their number."""
    fields = {name: value for name, value in structs.asdict(command).items() if value not in (None, [], False)}
    at = fields.pop("at", None)
    sentence = _SENTENCES[str(command.__struct_config__.tag)]
    spoken = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    more = ", ".join(f"{name} {value}" for name, value in fields.items() if name not in spoken)
    return _named(f"{_when(at)}{sentence.format(**{'liste_rouge': False, **fields})}{f' ({more})' if more else ''}")


_SENTENCES = {
    "register-operator": "{operator} enters the trust space as an operator of kind {kind}",
    "sign-instrument": "{operator} signs the instrument {instrument}",
    "admit-domain": "the domain {domain} is admitted",
    "withdraw-domain": "the domain {domain} is withdrawn",
    "publish-cgu": "{operator} publishes version {version} of its CGU",
    "sign-cgu": "the holder of {mailbox} signs version {version} of the CGU",
    "create-mailbox": "the mailbox {address} of kind {kind} is created",
    "suspend-mailbox": "the mailbox {address} is suspended",
    "resume-mailbox": "the mailbox {address} works again",
    "delete-mailbox": "the mailbox {address} is deleted",
    "set-liste-rouge": "the liste rouge of {address} becomes {liste_rouge}",
    "open-ens": "{ins} opens an espace numérique de santé",
    "close-ens": "{ins} closes the espace numérique de santé",
    "submit-message": "{sender} writes to {recipients}",
    "report-delivery": "the message {id} is reported {status} for {recipient}",
    "erase-usager": "{ins} is erased",
}


def _when(at: datetime | None) -> str:
    if at is None:
        return ""
    return f"on {at:%Y-%m-%d}, " if at.timetz() == time(tzinfo=UTC) else f"on {at:%Y-%m-%d at %H:%M:%S.%f}, "


def _in_words(answer: Answer) -> list[str]:
    lines = [f"     it was {answer.outcome}, position {answer.position}"]
    for verdict in answer.verdicts:
        lines.append(f"     {_named(verdict.recipient) or '(unreadable)'}: {verdict.outcome}")
        lines += [f"       {_reason(reason)}" for reason in verdict.reasons]
    return [*lines, *(f"       {_reason(reason)}" for reason in answer.reasons)]


def _reason(reason: Reason) -> str:
    return f"{reason.code}: {reason.en} (facts {list(reason.facts)})"


def _named(text: str) -> str:
    for number, name in _NAMES.items():
        text = text.replace(number, name)
    return text


def _codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [str(reason.code) for reason in reasons]


def _outcome_of(codes: tuple[str, ...]) -> str:
    return "accepted" if all(TABLE[Code(code)].kind == "acceptance" for code in codes) else "refused"

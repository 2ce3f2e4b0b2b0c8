"""The slow, obvious twin of the decisions: one list of what was recorded, scanned again for every question.

Written from the rules as people read them, so that it is wrong in other places than the engine is. It has no
timelines, tags, caches, vault or database, and shares no code with the deciders: only the commands, the
options and the parsers of the vocabulary. A rejected command takes its place in the log and changes nothing.
"""

import re
from datetime import datetime
from typing import NamedTuple

from huissier.adapters.testing.reference.letter import Letter
from huissier.adapters.testing.reference.past import (
    USAGERS_DOMAIN,
    Box,
    Decided,
    Entry,
    Past,
    certificates,
    domain_at,
    instruments,
    mailbox_at,
    moment,
    published_cgu,
    received,
    registration,
    reports,
    signed_cgu,
    submission,
)
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, mentions_ins


class TwinVerdict(NamedTuple):
    """What was decided for one recipient: its spelling in the command, the outcome and the codes in order."""

    recipient: str
    outcome: str
    codes: tuple[str, ...]
    shadow: bool = False


class TwinAnswer(NamedTuple):
    """What a command came to; `position` is None where nothing was recorded."""

    outcome: str
    position: int | None
    verdicts: tuple[TwinVerdict, ...] = ()
    codes: tuple[str, ...] = ()


class Twin:
    """Answers like the engine, from a plain list."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.log: list[Entry] = []
        self.known: set[str] = set()
        self.lives: dict[str, int] = {}

    def handle(self, command: AnyCommand) -> TwinAnswer:
        """Decide and record."""
        if isinstance(command, SubmitMessage):
            return self._submitted(command)
        return self._other(command)

    def check(self, command: SubmitMessage) -> TwinAnswer:
        """Decide a submission and record nothing."""
        first = submission(self.log, command.id)
        if first is not None and first.decided is not None:
            return self._answer(command, first.decided, None)
        return self._answer(command, self._decide(command), None)

    def _record(
        self,
        command: AnyCommand,
        box: Box | None = None,
        decided: Decided | None = None,
        rejected: bool = False,
    ) -> int:
        place = len(self.log) + 1
        self.log.append(Entry(_at(command), place, command, box, decided, rejected))
        return place

    def _past(self, moment: datetime) -> Past:
        return sorted(
            (entry for entry in self.log if entry.at <= moment and not entry.rejected),
            key=lambda entry: (entry.at, entry.place),
        )

    def _box(self, raw: str) -> Box | None:
        """Say whom an address means, None where it is not plainly one address."""
        try:
            address = MailboxAddress.parse(raw)
            if not address.holds_ins_shape:
                return Box(str(address), address.domain)
            return self._usager(Ins.parse(address.local, lenient=self._lenient), address.domain)
        except VocabularyError:
            return None

    @property
    def _lenient(self) -> bool:
        return self.options.ins_key == "lenient"

    def _usager(self, ins: Ins, domain: str) -> Box:
        return Box(f"{ins.value}#{self.lives.get(ins.value, 0)}@{domain}", domain, ins.value)

    # --- submissions

    def _submitted(self, command: SubmitMessage) -> TwinAnswer:
        first = submission(self.log, command.id)
        if first is not None and first.decided is not None:
            return self._answer(command, first.decided, first.place)
        decided = self._decide(command)
        if command.stage == "rcpt" and any(yes or to in decided.shadow for to, (yes, _) in decided.codes.items()):
            return self._answer(command, decided, None)
        for raw in (command.sender, *command.recipients, command.reply_to or ""):
            box = self._box(raw)
            if box is not None and box.ins is not None:
                self.known.add(box.ins)
        return self._answer(command, decided, self._record(command, decided=decided))

    def _answer(self, command: SubmitMessage, decided: Decided, position: int | None) -> TwinAnswer:
        asked = [(raw, self._named(raw)) for raw in command.recipients]
        if {name for _, name in asked} != set(decided.named):
            asked = [(name.spelled if isinstance(name, Box) else name, name) for name in decided.named]
        verdicts = []
        for raw, name in asked:
            box = name if isinstance(name, Box) else None
            accepted, codes = decided.codes[box]
            verdicts.append(TwinVerdict(raw, "accepted" if accepted else "refused", codes, box in decided.shadow))
        outcomes = {verdict.outcome for verdict in verdicts}
        return TwinAnswer(outcomes.pop() if len(outcomes) == 1 else "mixed", position, tuple(verdicts))

    def _decide(self, command: SubmitMessage) -> Decided:
        recipients = [self._box(raw) for raw in command.recipients]
        sender, reply_to, at = self._box(command.sender), self._box(command.reply_to or ""), _at(command)
        decided = Letter(command, sender, recipients, reply_to, at, self._past(at), self.options).decided()
        return decided._replace(named=tuple(dict.fromkeys(map(self._named, command.recipients))))

    def _named(self, raw: str) -> Box | str:
        """Say how the log names a recipient; an unreadable one is "", or "usager" if it looks so (EX_PSU_5020)."""
        at_usagers_domain = re.search(r"@\s*patient\.mssante\.fr\W*$", raw, re.IGNORECASE)
        return self._box(raw) or ("usager" if mentions_ins(raw) or at_usagers_domain else "")

    # --- all other commands

    def _other(self, command: AnyCommand) -> TwinAnswer:
        box: Box | None = None
        match command:
            case OpenEns() | CloseEns() | EraseUsager():
                try:
                    box = self._usager(Ins.parse(command.ins, lenient=self._lenient), USAGERS_DOMAIN)
                except VocabularyError:
                    return self._reject(command, "INS_INVALID")
            case ReportDelivery():
                box = self._box(command.recipient)
            case SignCgu():
                box = self._box(command.mailbox)
            case CreateMailbox() | SuspendMailbox() | ResumeMailbox() | DeleteMailbox() | SetListeRouge():
                box = self._box(command.address)
            case _:
                code = self._trust_space(command)
                return self._close(command, code, None)
        if box is None:
            return self._reject(command, "ADDRESS_INVALID")
        code = self._mailboxes(command, box)
        if not code and isinstance(command, OpenEns) and box.ins is not None:
            self.known.add(box.ins)
        return self._close(command, code, box)

    def _close(self, command: AnyCommand, code: str, box: Box | None) -> TwinAnswer:
        if code == "unchanged":
            return TwinAnswer("unchanged", None)
        return self._reject(command, code) if code else TwinAnswer("recorded", self._record(command, box))

    def _reject(self, command: AnyCommand, code: str) -> TwinAnswer:
        return TwinAnswer("rejected", self._record(command, rejected=True), codes=(code,))

    def _trust_space(self, command: AnyCommand) -> str:
        """Return why an operator's or a domain's command is rejected, `unchanged`, or nothing where it is recorded."""
        past = self._past(_at(command))
        match command:
            case RegisterOperator():
                return self._register(command, past)
            case SignInstrument():
                if registration(past, command.operator) is None:
                    return "NOT_FOUND"
                wanted = (command.instrument, command.referentiel if command.instrument == "annexe-2" else None)
                signed = [said for _, said in instruments(past, command.operator)]
                done = [(s.instrument, s.referentiel if s.instrument == "annexe-2" else None) for s in signed]
                return "unchanged" if wanted in done else ""
            case PublishCgu():
                if registration(past, command.operator) is None:
                    return "NOT_FOUND"
                same = (command.version, moment(command.deadline))
                return "unchanged" if same in published_cgu(past, command.operator) else ""
            case AdmitDomain():
                if command.operator is not None and registration(past, command.operator) is None:
                    return "NOT_FOUND"
                domain = domain_at(past, command.domain)
                is_so = (
                    domain.admitted
                    and command.operator in (None, domain.operator)
                    and command.hosted in (None, domain.hosted)
                    and all(dn in domain.paired for dn in certificates(command))
                )
                return "unchanged" if is_so else ""
            case WithdrawDomain():
                domain = domain_at(past, command.domain)
                if not domain.ever:
                    return "NOT_FOUND"
                if command.operator not in (None, domain.operator):
                    return "NOT_ALLOWED_IN_STATE"
                if not domain.admitted or (
                    certificates(command) and not any(dn in domain.paired for dn in certificates(command))
                ):
                    return "unchanged"
                return ""
            case _:
                raise AssertionError(command)

    def _register(self, command: RegisterOperator, past: Past) -> str:
        """An operator's kind and name are the same at all times, so what is known of later times counts too."""
        ever = [e.command for e in self.log if isinstance(e.command, RegisterOperator) and not e.rejected]
        known = [said for said in ever if said.operator == command.operator]
        names = [said.name for said in known if said.name is not None]
        if any(said.kind != command.kind for said in known):
            return "ALREADY_EXISTS"
        if known and command.name is not None and command.name not in names:
            return "ALREADY_EXISTS"
        return "unchanged" if registration(past, command.operator) is not None else ""

    def _mailboxes(self, command: AnyCommand, box: Box) -> str:
        """Return why a mailbox's command is rejected, `unchanged`, or nothing where it is recorded."""
        past = self._past(_at(command))
        mailbox, domain = mailbox_at(past, box), domain_at(past, box.domain)
        match command:
            case CreateMailbox():
                return self._create(command, box, past)
            case OpenEns():
                if not (domain.admitted and domain.hosted):
                    return "DOMAIN_NOT_HOSTED"
                return "unchanged" if mailbox.status in ("active", "suspended") else ""
            case EraseUsager():
                return self._erase(box)
            case ReportDelivery():
                return self._report(command, box, past)
            case SuspendMailbox():
                return _step(mailbox.status, "suspended", {"active"})
            case ResumeMailbox():
                return _step(mailbox.status, "active", {"suspended"})
            case DeleteMailbox() | CloseEns():
                return _step(mailbox.status, "deleted", {"active", "suspended"})
            case SetListeRouge() | SignCgu() if mailbox.status is None:
                return "NOT_FOUND"
            case SetListeRouge() | SignCgu() if mailbox.status == "deleted":
                return "NOT_ALLOWED_IN_STATE"
            case SetListeRouge():
                return "unchanged" if command.liste_rouge == mailbox.liste_rouge else ""
            case SignCgu():
                if command.version not in [version for version, _ in published_cgu(past, domain.operator)]:
                    return "NOT_FOUND"
                return "unchanged" if (domain.operator, command.version) in signed_cgu(past, box) else ""
            case _:
                raise AssertionError(command)

    def _create(self, command: CreateMailbox, box: Box, past: Past) -> str:
        """Rule 12: an address is unique, never changes and is never given again."""
        if box.ins is not None:
            return "INS_INVALID"
        domain = domain_at(past, box.domain)
        if not (domain.admitted and domain.hosted):
            return "DOMAIN_NOT_HOSTED"
        ever = [e.command for e in self.log if isinstance(e.command, CreateMailbox) and e.box == box and not e.rejected]
        if any(_traits(said) != _traits(command) for said in ever):
            return "ALREADY_EXISTS"
        status = mailbox_at(past, box).status
        if status == "deleted":
            return "ALREADY_EXISTS"
        return "unchanged" if status is not None else ""

    def _erase(self, box: Box) -> str:
        """Only a known usager can be erased; the same INS then starts another life."""
        if box.ins is None or box.ins not in self.known:
            return "NOT_FOUND"
        self.known.discard(box.ins)
        self.lives[box.ins] = self.lives.get(box.ins, 0) + 1
        return ""

    def _report(self, command: ReportDelivery, box: Box, past: Past) -> str:
        """Rule 1: what was received stays received; a loss is recorded once, whatever its time."""
        sent = submission(past, command.id)
        if sent is None or sent.decided is None or box not in sent.decided.codes:
            return "NOT_FOUND"
        accepted, _ = sent.decided.codes[box]
        if not accepted:
            return "NOT_ALLOWED_IN_STATE"
        if received(past, sent.command, box):
            return "unchanged" if command.status == "delivered" else "NOT_ALLOWED_IN_STATE"
        assert isinstance(sent.command, SubmitMessage)
        lost = reports([entry for entry in self.log if not entry.rejected], sent.command, box)
        return "unchanged" if command.status == "undelivered" in lost else ""


def _at(command: AnyCommand) -> datetime:
    assert command.at is not None, "the twin has no clock"
    return command.at


def _traits(said: CreateMailbox) -> tuple[object, ...]:
    return (
        *(said.kind, said.rpps, said.adeli, said.finess),
        *(said.name, said.service, said.secteur, said.liste_rouge),
    )


def _step(status: str | None, to: str, allowed_from: set[str]) -> str:
    if status is None:
        return "NOT_FOUND"
    if status == to:
        return "unchanged"
    return "" if status in allowed_from else "NOT_ALLOWED_IN_STATE"

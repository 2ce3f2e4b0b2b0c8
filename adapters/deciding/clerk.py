"""The clerk: decides one command on what a turn at the log sees, and writes the answer."""

from collections.abc import Iterable, Iterator

from huissier.adapters.deciding.identify import Identified, Identifier, Newcomer
from huissier.adapters.deciding.turn import Turn
from huissier.adapters.vault import Vault
from huissier.domain.answers import Answer, Verdicts, explained, verdicts_for
from huissier.domain.commands import AnyCommand, EraseUsager, OtherCommand, ReportDelivery, SubmitMessage
from huissier.domain.decide import decide, rejection
from huissier.domain.decision import Recorded, Unchanged
from huissier.domain.events import MailboxCreated, MessageDecided, UsagerErased
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message, leaves_a_fact
from huissier.domain.needs import Meant
from huissier.domain.rule_set import Options, RuleBook
from huissier.domain.submission import give_up
from huissier.domain.tags import mailbox_tag, submission_tag
from huissier.domain.vocabulary.ins import Ins


class Clerk:
    """Decides under one rule book, with one vault."""

    def __init__(self, vault: Vault, rules: RuleBook) -> None:
        """Read INS as strictly as the options say."""
        self._vault = vault
        self.follow(rules)

    def follow(self, rules: RuleBook) -> None:
        """Decide under another rule book from now on, and forget whom texts meant under the one before."""
        self._vault.forget_all()
        self._rules = rules
        self._identifier = Identifier(self._vault, lenient_ins=rules.options.ins_key == "lenient")

    @property
    def options(self) -> Options:
        """The options it decides under."""
        return self._rules.options

    def can_read(self, address: str) -> bool:
        """Say whether decisions read a text as an address, and any INS in it as one."""
        return self._identifier.can_read(address)

    def answer_all(self, commands: Iterable[AnyCommand], turn: Turn, *, keep_rejections: bool = True) -> list[Answer]:
        """Decide commands one after the other, each seeing the facts of those before.

        What they need is read together, but an erasure stands alone: whom it means depends on the commands before it,
        and whom the commands after it mean depends on the erasure.
        """
        answers: list[Answer] = []
        for together in _between_erasures(commands):
            ids: dict[Ins, str] = {}
            identified = [self._identifier.identify(command, turn.session, ids) for command in together]
            if any(who.newcomers for who in identified):
                turn.change_vault()  # better now than when half of them are decided
            meant = [(command, who.identities) for command, who in zip(together, identified, strict=True)]
            turn.presume_new(_submitted(meant))
            turn.learn(meant)
            answers += [
                self._answer(command, who, turn, keep_rejections)
                for command, who in zip(together, identified, strict=True)
            ]
        return answers

    def _answer(self, command: AnyCommand, identified: Identified, turn: Turn, keep_rejections: bool) -> Answer:
        identities = identified.identities
        if isinstance(command, SubmitMessage):
            answer, is_new = self._answer_submission(command, identities, turn)
        else:
            answer = self._answer_other(command, identities, turn, keep_rejections)
            if isinstance(command, ReportDelivery):
                turn.done_with.append(submission_tag(identities.submission))
            is_new = answer.outcome == "recorded"
        if is_new:
            for newcomer in identified.newcomers:
                self._keep(newcomer, turn)
        return answer

    def _keep(self, newcomer: Newcomer, turn: Turn) -> None:
        """Bring a newcomer into the vault, unless a command just before did."""
        if self._vault.usager_id(turn.session, newcomer.ins) is None:
            self._vault.keep(turn.change_vault(), newcomer.ins, newcomer.usager_id)

    def give_up(self, said: ReportDelivery, turn: Turn) -> int | None:
        """Record that a submission will not reach those recipients of whom nothing was heard; return how many they are.

        `said` names no recipient. None where the submission is not known at that time.
        """
        submission = self._identifier.submission(said.id)
        turn.learn_submission(submission)
        given_up = give_up(submission, said.at or turn.now, said.cause, turn.facts.submission(submission))
        turn.record(*(given_up or ()))
        return None if given_up is None else len(given_up)

    def verdicts(self, command: SubmitMessage, turn: Turn) -> Verdicts:
        """Decide a submission and record nothing, not even in the vault."""
        identities = self._identifier.identify(command, turn.session).identities
        turn.done_with.append(submission_tag(identities.submission))
        turn.learn([(command, identities)])
        return verdicts_for(command, identities, self._decided(command, identities, turn)[0])

    def _answer_other(self, command: OtherCommand, identities: Identities, turn: Turn, keep_rejections: bool) -> Answer:
        turn.learn_more(command, identities)
        at = command.at or turn.now
        outcome = decide(command, identities, at, turn.facts)
        kind = str(command.__struct_config__.tag)
        if isinstance(outcome, Recorded):
            event = outcome.event
            if isinstance(event, MailboxCreated):  # or importing a directory would drive out what is asked for
                turn.done_with.append(mailbox_tag(event.address))
            elif isinstance(event, UsagerErased):
                self._vault.erase(turn.change_vault(), event.usager)
            return Answer(type=kind, outcome="recorded", position=turn.record(event))
        if isinstance(outcome, Unchanged):
            return Answer(type=kind, outcome="unchanged", position=None)
        position = turn.record(rejection(command, identities, at, outcome)) if keep_rejections else None
        return Answer(type=kind, outcome="rejected", position=position, reasons=(explained(outcome),))

    def _answer_submission(self, command: SubmitMessage, identities: Identities, turn: Turn) -> tuple[Answer, bool]:
        """Return the answer, and whether it is given for the first time."""
        decided, position = self._decided(command, identities, turn)
        if is_new := position is None and leaves_a_fact(decided):
            position = turn.record(decided)
        turn.done_with.append(submission_tag(identities.submission))
        verdicts = verdicts_for(command, identities, decided)
        answer = Answer(
            type="submit-message", id=command.id, outcome=verdicts.outcome, position=position, verdicts=verdicts
        )
        return answer, is_new

    def _decided(self, command: SubmitMessage, identities: Identities, turn: Turn) -> tuple[MessageDecided, int | None]:
        """Return the decision on a submission, with its position where its id came before."""
        turn.learn_more(command, identities)
        first = turn.facts.submission(identities.submission).latest
        if first.decided is not None:
            return first.decided, first.position
        at = command.at or turn.now
        return decide_message(command, identities, at, turn.facts, self._rules.at(at), turn.homes), None


def _between_erasures(commands: Iterable[AnyCommand]) -> Iterator[list[AnyCommand]]:
    """Yield commands that may be looked at together; each erasure stands alone."""
    together: list[AnyCommand] = []
    for command in commands:
        if isinstance(command, EraseUsager):
            yield together
            yield [command]
            together = []
        else:
            together.append(command)
    yield together


def _submitted(meant: list[Meant]) -> Iterator[str]:
    return (submission_tag(who.submission) for command, who in meant if isinstance(command, SubmitMessage))

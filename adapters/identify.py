"""From the raw texts of a command to whom they mean: parsed, and pseudonymous where an INS stands in them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from huissier.adapters.vault import Vault, new_usager_id
from huissier.domain.commands import AnyCommand, CloseEns, EraseUsager, OpenEns, ReportDelivery, SubmitMessage
from huissier.domain.identities import Identities, addresses_in
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, mentions_ins

_DIGEST_PREFIX: Final = "digest:"


class Newcomer(NamedTuple):
    """A usager the vault does not know yet, and the id they get if a fact about them is recorded."""

    ins: Ins
    usager_id: str


class Identified(NamedTuple):
    """Whom a command means, and who of them is new."""

    identities: Identities
    newcomers: list[Newcomer]


class Identifier:
    """Identifies commands with one vault; nothing is written to it."""

    def __init__(self, vault: Vault, *, lenient_ins: bool) -> None:
        """`lenient_ins` takes an INS whose key does not compute."""
        self._vault = vault
        self._lenient = lenient_ins

    def identify(self, command: AnyCommand, connection: Connection) -> Identified:
        """Say whom a command means."""
        newcomers: list[Newcomer] = []
        addresses = {raw: self._mailbox(raw, connection, newcomers) for raw in addresses_in(command)}
        return Identified(self._identities(command, addresses, connection, newcomers), newcomers)

    def _identities(
        self,
        command: AnyCommand,
        addresses: Mapping[str, MailboxAddress | None],
        connection: Connection,
        newcomers: list[Newcomer],
    ) -> Identities:
        match command:
            case SubmitMessage():
                return Identities(
                    addresses=addresses,
                    submission=self._submission(command.id),
                    message_id=self._message_id(command.message_id),
                    in_reply_to=self._message_id(command.in_reply_to),
                )
            case ReportDelivery():
                return Identities(addresses=addresses, submission=self._submission(command.id))
            case OpenEns() | CloseEns() | EraseUsager():
                usager = self._mailbox(f"{_without_spaces(command.ins)}@{USAGERS_DOMAIN}", connection, newcomers)
                if usager is None or not usager.is_pseudonym:
                    return Identities()
                return Identities(usager=usager, usager_known=not newcomers)
            case _:
                return Identities(addresses=addresses)

    def _mailbox(self, raw: str, connection: Connection, newcomers: list[Newcomer]) -> MailboxAddress | None:
        try:
            address = MailboxAddress.parse(raw)
            if not address.holds_ins_shape:
                return address
            ins = Ins.parse(address.local, lenient=self._lenient)
        except VocabularyError:
            return None
        return address.under_pseudonym(self._usager_id(ins, connection, newcomers))

    def _usager_id(self, ins: Ins, connection: Connection, newcomers: list[Newcomer]) -> str:
        known = self._vault.usager_id(connection, ins)
        if known is None:
            known = next((newcomer.usager_id for newcomer in newcomers if newcomer.ins == ins), None)
        if known is None:
            known = new_usager_id()
            newcomers.append(Newcomer(ins, known))
        return known

    def _submission(self, id_: str) -> str:
        """Return an id as facts keep it: one that a gateway made of an INS only as a digest."""
        suspect = id_.startswith(_DIGEST_PREFIX) or mentions_ins(id_)
        return _DIGEST_PREFIX + self._vault.digest(id_) if suspect else id_

    def _message_id(self, raw: str | None) -> str | None:
        """Return a digest of a Message-ID without its angle brackets."""
        bare = "" if raw is None else raw.strip().removeprefix("<").removesuffix(">").strip()
        return self._vault.digest(bare) if bare else None


def _without_spaces(ins: str) -> str:
    return ins.replace(" ", "")

"""From the raw texts of a command to whom they mean: parsed, and pseudonymous where an INS stands in them."""

from typing import Final

from sqlalchemy import Connection

from huissier.adapters.vault import Vault, new_usager_id
from huissier.domain.commands import AnyCommand, OpenEns, ReportDelivery, SubmitMessage
from huissier.domain.identities import Identities, addresses_in, ins_in
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, mentions_ins

_DIGEST_PREFIX: Final = "digest:"


class Identifier:
    """Identifies commands with one vault."""

    def __init__(self, vault: Vault, *, lenient_ins: bool) -> None:
        """`lenient_ins` takes an INS whose key does not compute."""
        self._vault = vault
        self._lenient = lenient_ins

    def identify(self, command: AnyCommand, connection: Connection, *, may_keep: bool = True) -> Identities:
        """Say whom a command means.

        Only a message or an opened ENS brings a new usager into the vault, and only where `may_keep`; any other
        unknown INS gets an id that is nobody's.
        """
        keep = may_keep and isinstance(command, SubmitMessage | OpenEns)
        addresses = {raw: self._mailbox(raw, connection, keep=keep) for raw in addresses_in(command)}
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
            case _:
                ins = ins_in(command)
                return Identities(addresses=addresses) if ins is None else self._usager(ins, connection, keep=keep)

    def _usager(self, raw: str, connection: Connection, *, keep: bool) -> Identities:
        try:
            ins = Ins.parse(raw, lenient=self._lenient)
        except VocabularyError:
            return Identities()
        known = self._vault.usager_id(connection, ins)
        return Identities(
            usager=MailboxAddress(ins.value.lower(), USAGERS_DOMAIN).under_pseudonym(
                known or self._new_id(ins, connection, keep=keep)
            ),
            usager_known=known is not None,
        )

    def _mailbox(self, raw: str, connection: Connection, *, keep: bool) -> MailboxAddress | None:
        try:
            address = MailboxAddress.parse(raw)
            if not address.holds_ins_shape:
                return address
            ins = Ins.parse(address.local, lenient=self._lenient)
        except VocabularyError:
            return None
        known = self._vault.usager_id(connection, ins)
        return address.under_pseudonym(known or self._new_id(ins, connection, keep=keep))

    def _new_id(self, ins: Ins, connection: Connection, *, keep: bool) -> str:
        return self._vault.keep(connection, ins) if keep else new_usager_id()

    def _submission(self, id_: str) -> str:
        """Return an id as facts keep it: one that a gateway made of an INS only as a digest."""
        suspect = id_.startswith(_DIGEST_PREFIX) or mentions_ins(id_)
        return _DIGEST_PREFIX + self._vault.digest(id_) if suspect else id_

    def _message_id(self, raw: str | None) -> str | None:
        """Return a digest of a Message-ID without its angle brackets."""
        bare = "" if raw is None else raw.strip().removeprefix("<").removesuffix(">").strip()
        return self._vault.digest(bare) if bare else None

"""Whom the raw texts of a command mean, once the vault has seen them: canonical addresses without an INS."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from huissier.domain.commands import (
    AnyCommand,
    CreateMailbox,
    DeleteMailbox,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SubmitMessage,
    SuspendMailbox,
)
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.ins import mentions_ins

UNREADABLE_USAGER: Final = "usager"  # no address that can be read is one word
_AT_USAGERS_DOMAIN: Final = re.compile(rf"@\s*{re.escape(USAGERS_DOMAIN)}\W*$", re.IGNORECASE)


class Identities(Struct, frozen=True, gc=False):
    """What the vault made of a command's raw texts.

    `addresses`: raw address → its mailbox, None where it is not one. `usager`: the mailbox of the INS that an
    ENS or erasure command names, None where it is not an INS; `usager_known` whether the vault knew it before.
    `submission`: the id as facts keep it. `message_id`, `in_reply_to`: keyed digests.
    """

    addresses: Mapping[str, MailboxAddress | None] = {}
    usager: MailboxAddress | None = None
    usager_known: bool = False
    submission: str = ""
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()

    def written(self, raw: str) -> str:
        """Return a raw address as facts keep it.

        One that cannot be read is an empty text, or the word `usager` where it names one in any spelling (EX_PSU_5020).
        """
        if (address := self.addresses[raw]) is not None:
            return address.text
        if raw == UNREADABLE_USAGER:
            return raw
        return UNREADABLE_USAGER if mentions_ins(raw) or _AT_USAGERS_DOMAIN.search(raw) else ""


def addresses_in(command: AnyCommand) -> tuple[str, ...]:
    """Return the raw addresses a command names."""
    match command:
        case SubmitMessage():
            reply_to = (command.reply_to,) if command.reply_to else ()
            return (command.sender, *command.recipients, *reply_to)
        case ReportDelivery():
            return (command.recipient,)
        case SignCgu():
            return (command.mailbox,)
        case CreateMailbox() | SuspendMailbox() | ResumeMailbox() | DeleteMailbox() | SetListeRouge():
            return (command.address,)
        case _:
            return ()

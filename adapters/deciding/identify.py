"""From the raw texts of a command to whom they mean: parsed, and under a pseudonym where they hold an INS."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from huissier.adapters.log.session import Session
from huissier.adapters.vault import Vault, new_usager_id
from huissier.domain.commands import AnyCommand, CloseEns, EraseUsager, OpenEns, ReportDelivery, SubmitMessage
from huissier.domain.identities import Identities, addresses_in
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, mentions_ins

_DIGEST_PREFIX: Final = "digest:"
_MOST_REMEMBERED: Final = 50_000
_ONE_BARE_ID: Final = re.compile(r"<([^<>()\"\\\s]+)>")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_USAGERS: Final = MailboxAddress.of_fact(f"@{USAGERS_DOMAIN}")
_UNQUOTED: Final = re.compile(r"[\"\\]")


class Newcomer(NamedTuple):
    """A usager the vault does not know yet, and the id they get if a fact about them is recorded."""

    ins: Ins
    usager_id: str


class _Newcomers:
    """The newcomers that a command names; commands of one turn share `ids`, so that each newcomer gets one id."""

    __slots__ = ("_ids", "named")

    def __init__(self, ids: dict[Ins, str]) -> None:
        self._ids = ids
        self.named: list[Newcomer] = []

    def id_of(self, ins: Ins) -> str:
        newcomer = Newcomer(ins, self._ids.setdefault(ins, new_usager_id()))
        if newcomer not in self.named:
            self.named.append(newcomer)
        return newcomer.usager_id


class Identified(Struct, frozen=True, gc=False):
    """Whom a command means, and who of them is new."""

    identities: Identities
    newcomers: Sequence[Newcomer]


class Identifier:
    """Identifies commands with one vault; nothing is written to it."""

    def __init__(self, vault: Vault, *, lenient_ins: bool) -> None:
        """`lenient_ins` accepts an INS whose key is wrong."""
        self._vault = vault
        self._lenient = lenient_ins
        self._without_ins: dict[str, MailboxAddress] = {}  # by spelling; the vault remembers those of usagers

    def identify(self, command: AnyCommand, session: Session, ids: dict[Ins, str] | None = None) -> Identified:
        """Say whom a command means; `ids`: of newcomers named by earlier commands and not in the vault yet."""
        newcomers = _Newcomers({} if ids is None else ids)
        addresses = {raw: self._mailbox(raw, session, newcomers) for raw in addresses_in(command)}
        return Identified(self._identities(command, addresses, session, newcomers), newcomers.named)

    def _identities(
        self,
        command: AnyCommand,
        addresses: Mapping[str, MailboxAddress | None],
        session: Session,
        newcomers: "_Newcomers",
    ) -> Identities:
        match command:
            case SubmitMessage():
                return Identities(
                    addresses=addresses,
                    submission=self.submission(command.id),
                    message_id=next(iter(self._message_ids(command.message_id)), None),
                    in_reply_to=self._message_ids(command.in_reply_to),
                )
            case ReportDelivery():
                return Identities(addresses=addresses, submission=self.submission(command.id))
            case _ if addresses:
                return Identities(addresses=addresses)
            case OpenEns() | CloseEns() | EraseUsager():
                return self._usager(command, session, newcomers)
            case _:
                return Identities()

    def _usager(
        self, command: OpenEns | CloseEns | EraseUsager, session: Session, newcomers: "_Newcomers"
    ) -> Identities:
        raw = f"{_without_spaces(command.ins)}@{USAGERS_DOMAIN}"
        usager = self._mailbox(raw, session, newcomers) or self._taken_leniently(command, session)
        if usager is None or not usager.is_pseudonym:
            return Identities()
        return Identities(usager=usager, usager_known=not newcomers.named)

    def _taken_leniently(self, command: OpenEns | CloseEns | EraseUsager, session: Session) -> MailboxAddress | None:
        """Find whom the vault took in under the lenient option, so that they can be erased under the strict one."""
        try:
            ins = Ins.parse(command.ins, lenient=True)
        except VocabularyError:
            return None
        known = self._vault.usager_id(session, ins) if isinstance(command, EraseUsager) else None
        return _USAGERS.under_pseudonym(known) if known else None

    def _mailbox(self, raw: str, session: Session, newcomers: "_Newcomers") -> MailboxAddress | None:
        known = self._without_ins.get(raw) or self._vault.mailbox(raw)
        if known is not None:
            return known
        try:
            address, ins = self._read(raw)
        except VocabularyError:
            return None
        if ins is None:
            return self._remember(raw, address)
        if (usager := self._vault.usager_id(session, ins)) is None:
            return address.under_pseudonym(newcomers.id_of(ins))
        mailbox = address.under_pseudonym(usager)
        self._vault.remember_mailbox(raw, mailbox)
        return mailbox

    def can_read(self, raw: str) -> bool:
        """Say whether a text is an address, and any INS in it is valid."""
        try:
            self._read(raw)
        except VocabularyError:
            return False
        return True

    def _read(self, raw: str) -> tuple[MailboxAddress, Ins | None]:
        address = MailboxAddress.parse(raw)
        return address, Ins.parse(address.local, lenient=self._lenient) if address.holds_ins_shape else None

    def _remember(self, raw: str, address: MailboxAddress) -> MailboxAddress:
        if len(self._without_ins) >= _MOST_REMEMBERED:
            self._without_ins.clear()
        self._without_ins[raw] = address
        return address

    def submission(self, id_: str) -> str:
        """Return an id as facts keep it: as a digest where it mentions an INS, or could be taken for such a digest."""
        suspect = id_.startswith(_DIGEST_PREFIX) or mentions_ins(id_)
        return _DIGEST_PREFIX + self._vault.digest(id_) if suspect else id_

    def _message_ids(self, raw: str | None) -> tuple[str, ...]:
        """Return digests of the message ids in a header, however they are folded, quoted or commented."""
        if not raw:
            return ()
        if (alone := _ONE_BARE_ID.fullmatch(raw)) is not None:
            return (self._vault.digest(alone[1]),)
        plain = _COMMENT.sub(" ", raw)
        found = _BRACKETED.findall(plain) or plain.split()
        bare = ("".join(_UNQUOTED.sub("", one).split()) for one in found)
        return tuple(dict.fromkeys(self._vault.digest(one) for one in bare if one))


def _without_spaces(ins: str) -> str:
    return ins.replace(" ", "")

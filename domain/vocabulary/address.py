"""`Domain` and `MailboxAddress`: what stands right and left of the `@`, in the one spelling that is compared."""

import re
from functools import lru_cache
from typing import Final, Self

from msgspec import Struct

from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import Ins, mentions_ins

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# RFC 5321 dot-atom, less what routes mail elsewhere (% and !) and what a file or a log may misread.
_LOCAL: Final = re.compile(r"[a-z0-9+_=~'&#$*-]+(?:\.[a-z0-9+_=~'&#$*-]+)*")
PSEUDONYM: Final = "usager:"  # a colon stands in no address that `parse` accepts, so none can be forged


class Domain(Struct, frozen=True):
    """A mail domain in lower case without a trailing dot, of two labels at least."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a domain name; upper case and one trailing dot are understood. Raises `VocabularyError`."""
        return cls(_name(text))

    def __str__(self) -> str:
        return self.name


@lru_cache(maxsize=10_000)  # mailboxes share their domains, and what is refused is not remembered
def _name(text: str) -> str:
    if not text.isascii():
        raise VocabularyError("a domain is written in ASCII")
    name = text.lower().removesuffix(".")
    if len(name) > 253 or not _DOMAIN.fullmatch(name):
        raise VocabularyError("not a domain name of letters, digits and hyphens with a dot in it")
    if mentions_ins(name):
        raise VocabularyError("an INS has no place in a domain")
    return name


class MailboxAddress(Struct, frozen=True, gc=False):
    """A whole address in lower case; a usager's stands under a pseudonym once the vault has seen it.

    Source: rule 9: addresses are compared whole, a spelling that is not plainly one address is
    refused and never taken for the mailbox it resembles.
    """

    text: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one bare address: upper case and a trailing dot of the domain are understood, nothing else is.

        Raises `VocabularyError`, which never repeats the text: display names, angle brackets, quotes, `%`,
        source routes, control characters, spaces, look-alike letters, and an INS that is only part of the
        local part.
        """
        if not text.isascii():
            raise VocabularyError("an address is written in ASCII")
        local, at, domain = text.lower().rpartition("@")
        if not at or len(local) > 64 or not _LOCAL.fullmatch(local):
            raise VocabularyError("not plainly one address local-part@domain")
        domain = _name(domain)
        whole = f"{local}@{domain}"
        if mentions_ins(whole) and not Ins.has_shape(local):  # nor may local part and domain form one together
            raise VocabularyError("an INS is only ever the whole local part of an address")
        return cls(whole, domain)

    @classmethod
    def of_fact(cls, text: str) -> Self:
        """Read an address as a fact keeps it, pseudonym included."""
        return cls(text, text.rpartition("@")[2])

    @property
    def local(self) -> str:
        """What stands before the `@`."""
        return self.text.rpartition("@")[0]

    @property
    def holds_ins_shape(self) -> bool:
        """Whether the local part is written like an INS, so that it belongs in the vault."""
        return Ins.has_shape(self.local)

    @property
    def is_pseudonym(self) -> bool:
        """Whether a `UsagerId` stands in place of the local part."""
        return self.text.startswith(PSEUDONYM)

    @property
    def usager_id(self) -> str:
        """The opaque `UsagerId` of a pseudonymous address."""
        return self.local.removeprefix(PSEUDONYM)

    def under_pseudonym(self, usager_id: str) -> "MailboxAddress":
        """Return the same mailbox under a `UsagerId`, as the log knows it."""
        return MailboxAddress(f"{PSEUDONYM}{usager_id}@{self.domain}", self.domain)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        local = "…" if self.holds_ins_shape else self.local
        return f"MailboxAddress({local}@{self.domain})"

"""The configuration of a gateway: what stands in its file, section by section, each key with its default.

`docs/gateway.toml` is the commented sample; a test holds it against these classes.
"""

import socket
from collections.abc import Callable
from typing import Annotated, Final, Literal, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.gateway.serving.listening import ListenError, parse_address, parse_inet
from huissier.adapters.gateway.serving.server import Limits
from huissier.adapters.gateway.transaction import NullSender, Policy
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.address import Domain

T = TypeVar("T")
FrontName = Literal["postfix", "milter"]
CertSubject = Literal["common-name", "distinguished-name"]

_NAME: Final = r"\A[A-Za-z0-9._-]{0,100}\Z"
_OWN_HEADER: Final = r"\A(?![Xx]-[Mm][Ss][Ss]-)([Xx]-[A-Za-z0-9-]{1,70})?\Z"
_MODE: Final = r"\A0[0-7]{3}\Z"
IN_WORDS: Final = {
    _NAME: "a name is letters, digits, dots, hyphens and underscores, 100 at most",
    _OWN_HEADER: "a header of huissier's begins with X- and not with X-MSS-, and is letters, digits and hyphens",
    _MODE: 'permissions are a text of four octal digits, such as "0660"',
}

_Seconds = Annotated[float, Meta(gt=0, le=86_400)]
_StoreSeconds = Annotated[float, Meta(gt=0, le=90)]  # Postfix itself waits for 100 seconds
_Name = Annotated[str, Meta(pattern=_NAME)]
_OwnHeader = Annotated[str, Meta(pattern=_OWN_HEADER)]
_Mode = Annotated[str, Meta(pattern=_MODE)]


def _named(key: str, read: Callable[[], T]) -> T:
    """Read something; what is wrong with it names the key."""
    try:
        return read()
    except (ValueError, ListenError) as problem:
        raise ValueError(f"{key}: {problem}") from None


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section: a key that nobody knows is an error, for it may be a known one misspelled."""


class GatewaySection(_Section, frozen=True):
    """`name`: tells this gateway's submissions from those of others; the machine's name by default.

    `hosted`: the domains whose mailboxes are here. `final_hop`: whether accepting a message for them is delivering it.
    `null_sender`: what becomes of messages from nobody.
    """

    name: _Name = ""
    hosted: tuple[str, ...] = ()
    final_hop: bool = False
    null_sender: NullSender = "reports"

    def __post_init__(self) -> None:
        """Bring domains to their one spelling. Raises `ValueError`."""
        if self.final_hop and not self.hosted:
            raise ValueError(
                "final_hop: nothing is delivered here without domains whose mailboxes are here: name `hosted`"
            )
        force_setattr(self, "hosted", _named("hosted", lambda: tuple(Domain.parse(name).name for name in self.hosted)))


class TimeoutsSection(_Section, frozen=True):
    """Seconds. `store`: to wait for a decision. `idle`: for which a peer may be silent. `drain`: to end in."""

    store: _StoreSeconds = 10.0
    idle: _Seconds = 3600.0
    drain: _Seconds = 10.0


class WhiteListSection(_Section, frozen=True):
    """`file`: loaded at the start and at each reload, where it is named. `trust`: PEM of its pinned signer."""

    file: str = ""
    trust: str = ""
    max_age_days: Annotated[int, Meta(ge=0, le=36_500)] | None = None

    def __post_init__(self) -> None:
        """Refuse a list that nobody is trusted to have signed. Raises `ValueError`."""
        if self.file and not self.trust:
            raise ValueError("trust: a white list needs the certificate of who signs it")


class FrontSection(_Section, frozen=True):
    """What one protocol listens on.

    `listen`: addresses such as `inet:127.0.0.1:10030` or `unix:/run/huissier/policy.sock`, besides what systemd
    passes. `unix_mode`: permissions of sockets in the file system. `connections`: the most at a time. `metrics`:
    HOST:PORT for metrics and health, none by default.
    """

    listen: tuple[str, ...] = ()
    unix_mode: _Mode = "0660"
    connections: Annotated[int, Meta(ge=1, le=100_000)] = 10_000
    metrics: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address. Raises `ValueError`."""
        _named("listen", lambda: [parse_address(text) for text in self.listen])
        if self.metrics:
            _named("metrics", lambda: parse_inet(self.metrics))


class MilterSection(FrontSection, frozen=True):
    """`decision_header`: names a message's submission; incoming headers of that name are removed; empty for neither.

    `cert_subject`: what the mail server tells of a certificate under that name. Postfix tells the common name.
    """

    decision_header: _OwnHeader = DECISION_HEADER
    cert_subject: CertSubject = "common-name"


class Settings(_Section, frozen=True):
    """The whole file. `store`: the store's URL; `rules`: the options of the rules, shadow among them."""

    store: str = ""
    gateway: GatewaySection = GatewaySection()
    timeouts: TimeoutsSection = TimeoutsSection()
    rules: Options = Options()
    white_list: WhiteListSection = WhiteListSection()
    postfix: FrontSection = FrontSection()
    milter: MilterSection = MilterSection()

    def front(self, name: FrontName) -> FrontSection:
        """Return the section of one protocol."""
        return self.postfix if name == "postfix" else self.milter

    @property
    def policy(self) -> Policy:
        """How the gateway asks."""
        return Policy(
            name=self.gateway.name or socket.gethostname(),
            hosted=frozenset(self.gateway.hosted),
            final_hop=self.gateway.final_hop,
            timeout=self.timeouts.store,
            null_sender=self.gateway.null_sender,
        )

    def limits(self, name: FrontName) -> Limits:
        """Return what one protocol's connections may do."""
        return Limits(idle=self.timeouts.idle, connections=self.front(name).connections)

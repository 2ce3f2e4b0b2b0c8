"""Loading a verified white list: exactly its differences from the trust space become facts."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from huissier.adapters.deciding.turn import Turn
from huissier.adapters.errors import WhiteListError
from huissier.domain.events import AnyEvent, DomainAdmitted, DomainWithdrawn, WhiteListLoaded
from huissier.domain.tags import TRUST_SPACE
from huissier.domain.white_list import TrustSpace, WhiteList

_MOST_AHEAD: Final = timedelta(days=1)  # a white list from the future would shut out all that come before it


class WhiteListReport(msgspec.Struct, frozen=True):
    """What loading a white list came to: its size, the pairs admitted and withdrawn, and the domains that moved."""

    rows: int
    domains: int
    pairs: int
    admitted: int
    withdrawn: int
    moved: int
    generated_at: datetime


def load_white_list(
    white_list: WhiteList, turn: Turn, *, max_age: timedelta | None, allow_older: bool
) -> WhiteListReport:
    """Record the differences in a turn. Raises `WhiteListError`."""
    trust_space = TrustSpace(turn.facts_tagged(TRUST_SPACE))
    if not allow_older:
        _refuse_old(white_list, trust_space, turn.now, max_age)
    if white_list.generated_at > turn.now + _MOST_AHEAD:
        raise WhiteListError("the white list was generated in the future; look at the clock")
    changes = trust_space.load(white_list, turn.now)
    turn.record(*changes)
    return _report(white_list, changes)


def _refuse_old(white_list: WhiteList, trust_space: TrustSpace, now: datetime, max_age: timedelta | None) -> None:
    last = trust_space.last_load
    if last is not None and white_list.generated_at < last.generated_at:
        raise WhiteListError(
            f"the white list of {white_list.generated_at.isoformat()} is older than the one loaded last,"
            f" of {last.generated_at.isoformat()}"
        )
    if max_age is not None and now - white_list.generated_at > max_age:
        raise WhiteListError(
            f"the white list of {white_list.generated_at.isoformat()} is older than {max_age.days} days"
        )


def _report(white_list: WhiteList, changes: tuple[AnyEvent, ...]) -> WhiteListReport:
    admitted = {event.domain for event in changes if isinstance(event, DomainAdmitted)}
    withdrawn = {event.domain for event in changes if isinstance(event, DomainWithdrawn)}
    loads = [event for event in changes if isinstance(event, WhiteListLoaded)]
    return WhiteListReport(
        rows=white_list.rows,
        domains=len(white_list.pairs),
        pairs=white_list.pair_count,
        admitted=sum(load.admitted for load in loads),
        withdrawn=sum(load.withdrawn for load in loads),
        moved=len(admitted & withdrawn),
        generated_at=white_list.generated_at,
    )

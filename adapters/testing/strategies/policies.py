"""Every option of the rules."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import strategies as st

from huissier.adapters.testing.strategies.town import HOSPITAL_OPERATOR, MOMENTS, SHADOWS, USAGERS_OPERATOR
from huissier.domain.rule_set import Options

_IN_PARIS: Final = datetime(2020, 2, 1, tzinfo=timezone(timedelta(hours=1)))


def options() -> st.SearchStrategy[Options]:
    """Every option, often at its default."""
    return st.builds(
        Options,
        fin_header=st.sampled_from(("no-reply", "no-reply", "ends-contact")),
        reopening=st.sampled_from((True, True, False)),
        co_recipients=st.sampled_from(("reply-address", "all")),
        withdrawal_grace_days=st.sampled_from((0, 0, 30, 365)),
        ins_key=st.sampled_from(("strict", "strict", "lenient")),
        uncommitted_operators=st.sampled_from(("no-usagers", "no-mail")),
        cgu_signature=st.sampled_from(("each-version", "each-version", "any-version")),
        avenant_for_contracts_before=st.sampled_from((datetime(2020, 2, 1, tzinfo=UTC), _IN_PARIS, *MOMENTS[:3])),
        shadow_reasons=_often_nothing(st.sampled_from(SHADOWS)),
        shadow_operators=_often_nothing(st.sampled_from(((HOSPITAL_OPERATOR,), (USAGERS_OPERATOR,)))),
    )


def _often_nothing(some: st.SearchStrategy[tuple[str, ...]]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(st.just(()), st.just(()), st.just(()), some)

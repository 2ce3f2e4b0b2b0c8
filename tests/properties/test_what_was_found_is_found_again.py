"""What rules found of homes and mailboxes is remembered: it is what they would find at the very moment asked about."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from huissier.adapters.testing.strategies import options
from huissier.adapters.testing.strategies.town import DOMAINS, VERSIONS
from huissier.domain.home import Home, course
from huissier.domain.mailbox import Mailbox, SignedCgu
from huissier.domain.operator import Operator, PublishedCgu, Signature
from huissier.domain.rule_set import SHIPPED, RuleSet
from huissier.domain.rules import BETWEEN_HOMES, OF_RECIPIENT, OF_SENDER
from huissier.domain.trust_space import AdmittedDomain
from tests.properties import histories_looked_at

_DEADLINE = datetime(2021, 11, 26, tzinfo=UTC)
_DAYS = [_DEADLINE + timedelta(days=days) for days in (-365, -30, 0, 30, 335, 365)]
_EDGES = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
_INSTANTS = st.sampled_from([-1, 0, 1]).map(lambda number: timedelta(microseconds=number))

days = st.sampled_from(_DAYS)
moments = st.one_of(st.builds(lambda day, instants: day + instants, days, _INSTANTS), st.sampled_from(_EDGES))
maybe_days = st.one_of(st.none(), days)
positions = st.integers(1, 9)
domains = st.one_of(
    st.builds(AdmittedDomain, st.just(True), positions, st.none(), st.sampled_from((None, "a")), st.booleans()),
    st.builds(
        AdmittedDomain, st.just(False), positions, st.one_of(maybe_days, st.sampled_from(_EDGES)), hosted=st.booleans()
    ),
)
signatures = st.builds(Signature, st.just("contrat"), st.none(), days, positions)
operators = st.builds(
    Operator,
    registered=positions,
    kind=st.sampled_from(("professionnel", "usager")),
    contrat=st.one_of(st.none(), signatures),
    annexe_2=st.sampled_from((None, (1, 3), (1, 4))),
    cgu=st.lists(
        st.builds(PublishedCgu, st.sampled_from(VERSIONS), st.one_of(maybe_days, st.just(_EDGES[1])), days, positions),
        max_size=3,
    ).map(tuple),
)
mailboxes = st.builds(
    Mailbox,
    status=st.sampled_from((None, "active", "suspended", "deleted")),
    status_position=positions,
    signed=st.lists(st.builds(SignedCgu, st.just("a"), st.sampled_from(VERSIONS), positions), max_size=2).map(tuple),
)
rule_sets = st.builds(RuleSet.under, st.sampled_from(SHIPPED), options())
names = st.sampled_from((None, *DOMAINS))


def _at_that_moment(home: Home, moment: datetime) -> Home:
    return replace(home, at=moment)


@histories_looked_at(200)
@given(moment=moments, rules=rule_sets, name=names, domain=domains, operator=operators, mailbox=mailboxes)
def test_an_end_is_found_as_at_the_very_moment(
    moment: datetime,
    rules: RuleSet,
    name: str | None,
    domain: AdmittedDomain,
    operator: Operator,
    mailbox: Mailbox,
) -> None:
    home = course(name, domain, operator, rules).as_of(moment)
    exactly = _at_that_moment(home, moment)
    assert home.at <= moment
    for code, rule in (*OF_SENDER, *OF_RECIPIENT):
        assert rule(home, mailbox) == rule(exactly, mailbox), code


@histories_looked_at(200)
@given(
    moment=moments,
    rules=rule_sets,
    ends=st.tuples(st.tuples(names, domains, operators), st.tuples(names, domains, operators)),
)
def test_two_homes_are_found_as_at_the_very_moment(
    moment: datetime,
    rules: RuleSet,
    ends: tuple[tuple[str | None, AdmittedDomain, Operator], tuple[str | None, AdmittedDomain, Operator]],
) -> None:
    sender, recipient = (course(*end, rules).as_of(moment) for end in ends)
    for code, rule in BETWEEN_HOMES:
        exactly = rule(_at_that_moment(sender, moment), _at_that_moment(recipient, moment))
        assert rule(sender, recipient) == exactly, code

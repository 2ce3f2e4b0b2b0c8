"""Dated rule sets: what was allowed on a date depends on the rules in force on it (rule 14).

What the sources leave open is an option with a default, named in `Options` and explained in `docs/rules.md`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, Self

import msgspec
from msgspec import Meta, Struct, structs

from huissier.domain.reasons import TABLE
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.misfits import misfit
from huissier.domain.vocabulary.times import Time

USAGERS_DOMAIN = "patient.mssante.fr"
PHARMACIES = frozenset({"SA33", "SA38", "SA39", "SA65"})

_SEPARATOR: Final = re.compile(r"[ ,=%]")
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")  # the library takes it for seconds since 1970
_ESCAPED: Final = re.compile(r"%([0-9A-F]{2})")


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The points that no source settles, each with its default.

    - `fin_header`: what `X-MSS-MES: FIN` does: forbid answering that message (`no-reply`) or also end the
      contact (`ends-contact`), rule 4.
    - `reopening`: whether a later delivered message opens an ended contact again, rule 5.
    - `co_recipients`: who gains a contact with a usager: the effective reply address (`reply-address`) or every
      professionnel the message was accepted for as well (`all`), rule 6.
    - `withdrawal_grace_days`: how long a withdrawn domain or certificate still counts, rule 8.
    - `ins_key`: whether an INS with a wrong key is refused (`strict`) or taken (`lenient`).
    - `uncommitted_operators`: an uncommitted operator has no exchanges with usagers (`no-usagers`) or, past the
      deadline, no mail at all (`no-mail`), rule 11.
    - `cgu_signature`: whether each version in force must be signed (`each-version`) or having signed any of the
      operator's versions is enough (`any-version`), rule 10.
    - `avenant_for_contracts_before`: an operator whose contrat is older was "already in the space", rule 11.
    - `shadow_reasons`: refusals for these reasons alone are recorded but let pass, for a gateway that is being
      tried out.
    - `shadow_operators`: refusals between domains of which these operators run one are recorded but let pass.
    """

    fin_header: Literal["no-reply", "ends-contact"] = "no-reply"
    reopening: bool = True
    co_recipients: Literal["reply-address", "all"] = "reply-address"
    withdrawal_grace_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    ins_key: Literal["strict", "lenient"] = "strict"
    uncommitted_operators: Literal["no-usagers", "no-mail"] = "no-usagers"
    cgu_signature: Literal["each-version", "any-version"] = "each-version"
    avenant_for_contracts_before: datetime = datetime(2020, 2, 1, tzinfo=UTC)
    shadow_reasons: tuple[str, ...] = ()
    shadow_operators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a date without a zone, and a reason that refuses nothing."""
        for code in self.shadow_reasons:
            if code not in TABLE or TABLE[code].kind != "refusal":
                raise VocabularyError(f"shadow_reasons: {code!r} is no reason to refuse a message")
        offset = self.avenant_for_contracts_before.utcoffset()
        if offset is None:
            raise VocabularyError("avenant_for_contracts_before: a time names its zone, such as Z for UTC")
        if offset % timedelta(minutes=1):  # a decision names its options, and could not be read again
            raise VocabularyError("avenant_for_contracts_before: a zone is whole minutes from UTC")

    @classmethod
    def read(cls, words: Iterable[str]) -> Self:
        """Read `name=value` words, the others being at their default. Raises `VocabularyError`."""
        values = values_in(words)
        for item in structs.fields(cls):
            said = values.get(item.name, "")
            if isinstance(item.default, datetime) and isinstance(said, str) and _NUMBER.fullmatch(said):
                raise VocabularyError(f"{item.name}: a number is no time; write one like 2026-10-31T09:00:00Z")
        try:
            return msgspec.convert(values, cls, strict=False)
        except msgspec.ValidationError as problem:
            raise VocabularyError(str(misfit(problem, cls))) from None

    def differences(self) -> str:
        """Return the options that are not at their default, as `name=value` words that `read` understands."""
        words = []
        for item in structs.fields(Options):
            value = getattr(self, item.name)
            if value != item.default:
                words.append(f"{item.name}={_word(value)}")
        return " ".join(words)


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(_SEPARATOR.sub(lambda found: f"%{ord(found[0]):02X}", part) for part in value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def values_in(words: Iterable[str]) -> dict[str, str | list[str]]:
    """Return what `name=value` words say of options, not validated."""
    return {name: _value(name, text) for name, _, text in (word.partition("=") for word in words)}


def _value(name: str, text: str) -> str | list[str]:
    """Split the value of an option that takes several names at its commas; `%2C` is a comma within a name."""
    if not any(item.name == name and item.default == () for item in structs.fields(Options)):
        return text
    return [_ESCAPED.sub(lambda found: chr(int(found[1], 16)), part) for part in text.split(",")]


Bytes = Annotated[int, Meta(ge=0)]


class RuleSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules in force from a date on.

    `usagers`: whether usagers take part at all. `usagers_since_referentiel`: the version an operator must have
    committed to for it. `commitment_deadline`: the end of the time to comply. `mixed_recipients`: whether one message
    may go to professionnels and usagers. `pharmacy_secteurs`: secteurs whose published ORG mailboxes a usager may write
    to first. `usagers_size_limit`: bytes in total towards a usagers' domain; `size_limits`: bytes by destination
    domain, which take precedence.
    """

    name: Annotated[str, Meta(pattern=r"\A\S+\Z", max_length=100)]
    since: Time
    usagers: bool
    usagers_since_referentiel: str = "1.4"
    commitment_deadline: Time = datetime(2021, 11, 26, tzinfo=UTC)
    mixed_recipients: bool = False
    pharmacy_secteurs: frozenset[str] = frozenset()
    usagers_size_limit: Bytes | None = None
    size_limits: dict[str, Bytes] = {}
    options: Options = Options()
    label: str = ""

    def __hash__(self) -> int:
        return hash(self.label)

    @property
    def withdrawal_grace(self) -> timedelta:
        """How long a withdrawn domain or certificate still counts."""
        return timedelta(days=self.options.withdrawal_grace_days)

    def under(self, options: Options) -> "RuleSet":
        """Return the rule set with other options; `label` names it and the options not at their default."""
        return structs.replace(self, options=options, label=f"{self.name} {options.differences()}".rstrip())


def read_label(label: str) -> tuple[str, Options]:
    """Return the name of a rule set and the options that a decision's label names. Raises `VocabularyError`."""
    name, *words = label.split(" ")
    return name, Options.read(words)


_MB = 1_000_000

SHIPPED = (
    RuleSet(name="1.3.1", since=datetime(2020, 3, 11, tzinfo=UTC), usagers=False),
    RuleSet(name="1.4", since=datetime(2021, 5, 26, tzinfo=UTC), usagers=True, usagers_size_limit=25 * _MB),
    RuleSet(
        name="1.4+mixed-recipients",
        since=datetime(2021, 6, 10, tzinfo=UTC),
        usagers=True,
        usagers_size_limit=25 * _MB,
        mixed_recipients=True,
    ),
    RuleSet(
        name="1.4+pharmacies",
        since=datetime(2023, 5, 22, tzinfo=UTC),
        usagers=True,
        usagers_size_limit=25 * _MB,
        mixed_recipients=True,
        pharmacy_secteurs=PHARMACIES,
    ),
)


class RuleBook:
    """Rule sets by date; before the first date the first one holds."""

    def __init__(self, options: Options | None = None, rule_sets: tuple[RuleSet, ...] = SHIPPED) -> None:
        """Put the same options under every rule set."""
        self.options = options or Options()
        ordered = sorted(rule_sets, key=lambda rules: rules.since)
        self.rule_sets = [rules.under(self.options) for rules in ordered]
        self._since = [rules.since for rules in self.rule_sets]

    def at(self, moment: datetime) -> RuleSet:
        """Return the rule set in force at a moment."""
        return self.rule_sets[max(0, bisect_right(self._since, moment) - 1)]

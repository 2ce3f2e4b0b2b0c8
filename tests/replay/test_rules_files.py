"""Files of rules: what is shipped is what the engine decides by, and what is wrong is told with its place."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from huissier.adapters.rule_sets import RulesFileError, read_rules, shipped
from huissier.adapters.rule_sets.reading import rules_in
from huissier.adapters.testing import hospital as w
from huissier.domain.rule_set import SHIPPED, Options, RuleSet, read_label

RULES = 'schema = 1\n[[rule_set]]\nname = "one"\nsince = 2024-01-01\nusagers = true\n'


def test_the_file_that_is_shipped_holds_the_rule_sets_that_engines_decide_by() -> None:
    assert rules_in(shipped(), "shipped.toml").rule_sets == SHIPPED
    assert rules_in(shipped(), "shipped.toml").options == {}


def test_the_file_that_is_shipped_shows_every_key_there_is() -> None:
    keys = {field.name for field in (*structs.fields(RuleSet), *structs.fields(Options))}
    assert {key for key in keys - {"options", "label", "ins_key"} if f"{key} = " not in shipped()} == set()


def test_every_option_that_is_shown_can_be_taken() -> None:
    names = tuple(field.name for field in structs.fields(Options))
    taken = "\n".join(
        line.removeprefix("# ") if line.startswith(tuple(f"# {n} =" for n in names)) else line
        for line in shipped().splitlines()
    )
    assert set(rules_in(taken, "taken.toml").options) == set(names) - {"ins_key"}


def test_a_date_is_its_beginning_and_a_time_names_its_zone() -> None:
    assert rules_in(RULES, "a.toml").rule_sets[0].since == datetime(2024, 1, 1, tzinfo=UTC)
    with pytest.raises(RulesFileError, match=r"\[\[rule_set\]\] 1 \(one\): since: .*timezone"):
        rules_in(RULES.replace("2024-01-01", "2024-01-01T00:00:00"), "a.toml")


def test_without_a_rule_set_the_shipped_ones_hold_under_other_options() -> None:
    read = rules_in("schema = 1\n[options]\nreopening = false\n", "a.toml")
    assert (read.rule_sets, read.options) == (SHIPPED, {"reopening": False})
    book = read.book("1.4 withdrawal_grace_days=30")
    assert book is not None
    assert book.options == Options(reopening=False, withdrawal_grace_days=30)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"a.toml: Object missing required field `schema`"),
        ("schema = ", r"a.toml: Invalid value \(at "),
        ("schema = 1\na = " + "[" * 5_000, r"a.toml: maximum recursion depth"),
        (RULES.replace('"one"', f'"{w.ins(1)}"'), r"a.toml: \[\[rule_set\]\] 1: name: an INS has no place here"),
        ("schema = 2", r"a.toml: schema: this huissier reads schema 1"),
        ("schema = 1\nrules = 3", r"a.toml: rules: there is no such key"),
        (RULES + "moon = 1", r"a.toml: \[\[rule_set\]\] 1 \(one\): moon: there is no such key"),
        (RULES + 'label = "x"', r"a.toml: \[\[rule_set\]\] 1 \(one\): label: there is no such key"),
        (RULES + "usagers_size_limit = -1", r"\(one\): usagers_size_limit: Expected `int` >= 0"),
        (RULES + 'usagers_since_referentiel = "new"', r"\(one\): usagers_since_referentiel: "),
        (RULES + 'size_limits = {"nowhere" = 1}', r"\(one\): size_limits: not a domain name"),
        (RULES + 'size_limits = {"a.fr" = 1, "A.fr" = 2}', r"\(one\): size_limits: a domain has two limits"),
        (RULES.replace('"one"', '"one two"'), r"\[\[rule_set\]\] 1 \(one two\): name: "),
        (RULES + RULES.partition("\n")[2].replace("2024", "2025"), r"\[\[rule_set\]\] 2: name: another rule set"),
        (RULES + RULES.partition("\n")[2].replace("one", "two"), r"\[\[rule_set\]\] 2: since: another rule set"),
        ('schema = 1\n[options]\nreopening = "no"', r"a.toml: \[options\]: reopening: Expected `bool`"),
        ("schema = 1\n[options]\nmoon = 1", r"a.toml: \[options\]: moon: there is no such key"),
        ('schema = 1\n[options]\nshadow_reasons = ["NONE"]', r"\[options\]: shadow_reasons: 'NONE' is no reason"),
        ('schema = 1\n[options]\nins_key = "lenient"', r"\[options\]: ins_key: the log does not keep an address"),
    ],
)
def test_what_is_wrong_is_told_with_file_table_and_key(text: str, told: str) -> None:
    with pytest.raises(RulesFileError, match=told):
        rules_in(text, "a.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesFileError, match=r"none.toml: No such file"):
        read_rules(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(RulesFileError, match="not text in UTF-8"):
        read_rules(tmp_path / "bytes.toml")


def test_a_label_reads_back_whatever_an_operator_is_called() -> None:
    options = Options(shadow_operators=("ght, sud = 100 %", "mes"), shadow_reasons=("CONTACT_ENDED",), reopening=False)
    (rules, *_) = SHIPPED
    assert read_label(rules.under(options).label) == (rules.name, options)

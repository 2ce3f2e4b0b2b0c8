"""A configuration is read whole or not at all, and what is wrong with it is named."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from huissier.adapters.gateway.settings import Settings
from huissier.adapters.gateway.settings_file import SettingsError, parse_settings, read_settings

SAMPLE = (Path(__file__).parents[2] / "docs" / "gateway.toml").read_text("utf-8")


def test_the_sample_says_the_defaults() -> None:
    assert parse_settings(SAMPLE, "gateway.toml") == Settings()


def test_the_sample_shows_every_key() -> None:
    written = tomllib.loads(re.sub(r"(?m)^# (max_age_days = )", r"\1", SAMPLE))
    keys = {field.name: field.default for field in fields(Settings)}
    assert written.keys() == keys.keys()
    for name, default in keys.items():
        if isinstance(default, msgspec.Struct):
            assert written[name].keys() == {field.name for field in fields(default)}, name


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1", "h.toml, line 1, x: there is no such key"),
        ("[gateway]\nname = 'a'\nname = 'b'", "h.toml, line 3, gateway.name: Cannot overwrite a value"),
        ("\n[gatway]\nname = 'a'", "h.toml, line 2, gatway: there is no such key"),
        ("[gateway]\nname = 'a'\nfinal-hop = true", "h.toml, line 3, gateway.final-hop: there is no such key"),
        ("[gateway]\n# name\nfinal_hop = 1", "h.toml, line 3, gateway.final_hop: Expected `bool`, got `int`"),
        ("gateway.final_hop = 1", "h.toml, line 1, gateway.final_hop: Expected `bool`, got `int`"),
        ("[gateway]\nhosted = ['a.fr', 'b']", "h.toml, line 2, gateway.hosted: not a domain name"),
        ("[gateway]\nhosted = ['a.fr', 2]", "h.toml, line 2, gateway.hosted: Expected `str`, got `int`"),
        ("[gateway]\nname = 'a b'", "h.toml, line 2, gateway.name: a name is letters, digits"),
        ("[timeouts]\nstore = 100.0", "h.toml, line 2, timeouts.store: Expected `float` <= 90.0"),
        ("[rules]\n\nshadow_reasons = ['X']", "h.toml, line 3, rules.shadow_reasons: 'X' is no reason to refuse"),
        ("[postfix]\nlisten = ['25']", "h.toml, line 2, postfix.listen: '25' is not an address like inet:"),
        ("[postfix]\nmetrics = '25'", "h.toml, line 2, postfix.metrics: '25' is not HOST:PORT"),
        (
            "[milter]\ndecision_header = 'Subject'",
            "line 2, milter.decision_header: a header of huissier's",
        ),
        (
            "[milter]\ndecision_header = 'x-mss-mes'",
            "line 2, milter.decision_header: a header of huissier's",
        ),
        ("[white_list]\nfile = 'x'", "h.toml, line 1, white_list.trust: a white list needs the certificate"),
        ("[gateway]\nfinal_hop = true", "h.toml, line 2, gateway.final_hop: nothing is delivered here without domains"),
        ("[gateway]\nnull_sender = 'pas'", "Invalid enum value 'pas', but 'reports', 'pass', 'refuse' are known"),
        ("# a\u2028b\x85c\n[rules]\nfin_header = 'x'", "h.toml, line 3, rules.fin_header: Invalid enum value 'x', but"),
        ("[gateway\n", "h.toml, line 1: Expected ']'"),
        ("a = " + "[" * 5_000, "h.toml: brackets stand in brackets without end"),
    ],
)
def test_an_error_names_file_line_and_key(text: str, error: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(error)):
        parse_settings(text, "h.toml")


def test_the_command_line_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text("store = 'a'\n[gateway]\nname = 'a'\nhosted = ['A.fr.']\n[postfix]\nlisten = ['inet:[::1]:1']\n")
    said: dict[str, Any] = {
        "store": "b",
        "gateway": {"name": "b"},
        "rules": {"reopening": "false", "shadow_reasons": ["CONTACT_NOT_OPENED"]},
        "postfix": {"listen": None, "metrics": "[::1]:9125"},
    }
    settings = read_settings(file, said)
    assert (settings.store, settings.policy.name, settings.policy.hosted) == ("b", "b", frozenset({"a.fr"}))
    assert (settings.rules.reopening, settings.rules.shadow_reasons) == (False, ("CONTACT_NOT_OPENED",))
    assert (settings.postfix.listen, settings.postfix.metrics) == (("inet:[::1]:1",), "[::1]:9125")
    with pytest.raises(SettingsError, match=r"the command line, gateway\.name: "):
        read_settings(file, {"gateway": {"name": "a b"}})


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_settings(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="not text in UTF-8"):
        read_settings(tmp_path / "bytes")

"""Every check can fail: a sample that is broken in one place is found fault with by the check of that place.

The table has a line for each check; a check without one, or one that its sample passes, fails here. A second table
breaks what else some checks look at.
"""

from itertools import count
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from huissier.adapters.conformance import milter_checks, postfix_checks
from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Protocol
from huissier.adapters.conformance.running import checks_of, problem_of, server_at
from huissier.adapters.gateway.replies import PASS, Reply
from huissier.adapters.gateway.serving.listening import parse_address
from huissier.adapters.testing.hospital import DOCTOR, GHT, NOW, REMOTE_DOCTOR, SECRETARIAT, SURGEON, moment
from huissier.domain.rule_set import Options
from tests.conformance.sample import (
    How,
    deciding,
    letting_pass,
    passing_what_says,
    reading,
    refusing_all,
    sample,
    told,
    under,
    without_tag,
)

DUNNO, CONTINUE = b"action=DUNNO\n\n", b"\0\0\0\1c"
PROTOCOLS: Final[tuple[Protocol, ...]] = ("postfix", "milter")
NUMBERS = count()
LONG_AGO: Final = moment("2018-01-01")


def _first_sender() -> How:
    """Every message is from whom the first one was from."""
    senders: list[str] = []

    def sender(address: str) -> str:
        senders.append(address)
        return senders[0]

    return How(sender=sender)


def _otherwise_each_time() -> How:
    def said(reply: Reply, _: str) -> Reply:
        words = reply.text.split(" ")
        return Reply(reply.kind, f"{' '.join(words[:3])} {'x' * next(NUMBERS)}", reply.reason) if reply.text else reply

    return How(said=said)


def _naming_whom_it_refuses() -> How:
    return How(
        said=lambda reply, whom: Reply(reply.kind, f"{reply.text} {whom}", reply.reason) if reply.text else reply
    )


def _taking(one: str, for_another: str) -> How:
    return How(whom=lambda whom: for_another if whom == one else whom)


def _open_to_all(mailbox: str) -> How:
    return How(said=lambda reply, whom: PASS if whom == mailbox else reply)


RULES: Final[dict[str, How]] = {
    "professionnels-write-to-each-other": refusing_all(),
    "a-usager-does-not-start": letting_pass("CONTACT_NOT_OPENED"),
    "whoever-was-written-to-may-write": letting_pass("CONTACT_NOT_OPENED"),
    "an-accepted-message-opens-a-contact": under(final_hop=False),
    "a-co-recipient-gains-no-contact": deciding(co_recipients="all"),
    "an-abandoned-message-opens-nothing": How(records_at_rcpt=True),
    "a-usager-does-not-reach-a-usager": letting_pass("USAGER_TO_USAGER"),
    "an-ended-contact-is-ended": letting_pass("CONTACT_ENDED"),
    "an-ended-contact-opens-again": deciding(reopening=False),
    "recipients-are-decided-one-by-one": letting_pass("RECIPIENT_DOMAIN_NOT_ADMITTED"),
    "a-pharmacy-is-open-to-usagers": refusing_all(),
    "only-pharmacies-are-open-to-usagers": _taking(SECRETARIAT, w.PHARMACY),
    "both-domains-must-be-admitted": letting_pass("SENDER_DOMAIN_NOT_ADMITTED"),
    "what-was-withdrawn-is-refused": _taking(w.FORMER, REMOTE_DOCTOR),
    "a-certificate-must-be-the-domains": letting_pass("CERTIFICATE_NOT_ADMITTED"),
    "an-unknown-mailbox-here-is-refused": letting_pass("SENDER_UNKNOWN"),
    "case-and-a-trailing-dot-change-nothing": How(whom=lambda whom: whom if whom == whom.lower() else f"x{whom}"),
    "no-spelling-passes-for-another-mailbox": How(whom=without_tag),
    "part-of-an-ins-is-nobody": How(whom=without_tag),
    "an-empty-recipient-is-refused": How(whom=lambda whom: whom or SURGEON),
    "cgu-are-signed-before-sending": letting_pass("CGU_NOT_SIGNED"),
    "an-operator-without-contrat-has-no-mail": letting_pass("OPERATOR_NOT_CONTRACTED"),
    "an-uncommitted-operator-has-no-exchanges-with-usagers": letting_pass("OPERATOR_NOT_COMMITTED"),
    "a-suspended-mailbox-is-still": letting_pass("SENDER_SUSPENDED"),
    "a-deleted-mailbox-is-gone": letting_pass("RECIPIENT_DELETED"),
    "a-declared-size-counts-at-rcpt": How(size_at_rcpt=False),
    "the-real-size-counts-at-the-end": How(size_at_end=False),
    "no-answer-tells-an-ins": _naming_whom_it_refuses(),
    "a-report-from-nobody-passes-to-one-recipient": under(null_sender="refuse"),
    "messages-of-a-session-have-nothing-to-do-with-each-other": _first_sender(),
    "a-recipient-named-twice-has-one-answer": _otherwise_each_time(),
    "a-silent-connection-holds-up-no-other": How(connections=1),
    "generated-sessions": letting_pass("RECIPIENT_SUSPENDED"),
}
OUT_OF_STEP = passing_what_says(b"session inconnue", DUNNO)
UNAVAILABLE = passing_what_says(b"temporairement indisponible", DUNNO)
POSTFIX: Final[dict[str, How]] = {
    **RULES,
    "a-message-that-nobody-gets-does-not-pass": OUT_OF_STEP,
    "replies-end-with-lf-alone": How(answered=lambda answer: answer.replace(b"\n", b"\r\n") + b"\n\n"),
    "what-may-pass-is-dunno": How(answered=lambda answer: answer.replace(b"DUNNO", b"OK")),
    "early-stages-pass": How(told=lambda told: told.replace(b"protocol_state=MAIL", b"protocol_state=ORACLE")),
    "unknown-names-are-passed-over": How(told=lambda told: told.replace(b"new_name=a=b", b"new_name")),
    "a-request-in-pieces-is-one-request": How(answers_each_piece=DUNNO),
    "requests-in-one-piece-are-answered-in-order": How(answers_once_a_piece=True),
    "asked-again-elsewhere-it-is-the-same-answer": How(shares_what_is_under_way=False),
    "an-end-without-a-beginning-is-deferred": OUT_OF_STEP,
    "another-count-of-recipients-is-deferred": OUT_OF_STEP,
    "another-sender-under-the-same-instance-is-deferred": OUT_OF_STEP,
    "a-state-that-nobody-knows-is-deferred": OUT_OF_STEP,
    "crlf-is-never-let-through": How(told=lambda told: told.replace(b"\r\n", b"\n")),
    "what-is-malformed-is-never-let-through": UNAVAILABLE,
    "what-is-too-large-is-never-let-through": UNAVAILABLE,
    "half-a-request-is-not-answered": How(answers_each_piece=DUNNO),
    "a-message-left-behind-is-deferred-at-a-late-end": OUT_OF_STEP,
}
MILTER: Final[dict[str, How]] = {
    **RULES,
    "a-message-that-nobody-gets-does-not-pass": passing_what_says(b"session inconnue", CONTINUE),
    "fin-ends-a-contact": reading(subject=None),
    "a-message-with-the-fin-header-opens-nothing": reading(mss_mes=None),
    "a-message-with-the-fin-header-is-not-answered": letting_pass("REPLY_NOT_ALLOWED"),
    "reply-to-is-who-may-be-answered": reading(reply_to=None),
    "a-doubtful-reply-to-opens-nothing": reading(reply_to=DOCTOR),
    "from-nobody-only-reports-pass": under(null_sender="pass"),
    "the-resolved-address-counts": How(told=lambda told: told.replace(b"{rcpt_addr}", b"{else_addr}")),
    "packets-in-pieces-are-packets": How(answers_each_piece=CONTINUE),
    "each-event-has-one-answer": How(told=lambda told: told.replace(b"\0\0\0\1A", b"\0\0\0\1N")),
    "a-late-abort-takes-nothing-back": How(hangs_up_at=b"\0\0\0\1A"),
    "an-abort-drops-recipients": passing_what_says(b"session inconnue", CONTINUE),
    "a-forged-decision-header-is-removed": How(answered=lambda answer: b"" if answer[4:5] == b"m" else answer),
    "what-is-malformed-is-never-let-through": How(answers_what_is_malformed=CONTINUE),
    "a-server-that-cannot-edit-headers-is-not-agreed-with": told(b"O\0\0\0\6\0\0\0\0", b"O\0\0\0\6\0\0\1\xff"),
    "quit-ends-and-a-new-connection-begins-anew": How(told=lambda told: told.replace(b"\0\0\0\1Q", b"")),
}
RULES_TOO: Final[list[tuple[str, How]]] = [
    ("an-ended-contact-is-ended", _open_to_all(w.PHARMACY)),
    ("only-pharmacies-are-open-to-usagers", _open_to_all(w.PHARMACIST)),
    ("only-pharmacies-are-open-to-usagers", _open_to_all(w.HIDDEN_PHARMACY)),
    ("what-was-withdrawn-is-refused", letting_pass("CERTIFICATE_NOT_ADMITTED")),
    ("what-was-withdrawn-is-refused", deciding(withdrawal_grace_days=3650)._replace(clock=lambda: NOW)),
    ("part-of-an-ins-is-nobody", deciding(ins_key="lenient")),
    ("cgu-are-signed-before-sending", deciding(cgu_signature="any-version")),
    ("an-operator-without-contrat-has-no-mail", deciding(shadow_reasons=("OPERATOR_NOT_CONTRACTED",))),
    (
        "an-uncommitted-operator-has-no-exchanges-with-usagers",
        deciding(avenant_for_contracts_before=LONG_AGO),
    ),
    ("an-uncommitted-operator-has-no-exchanges-with-usagers", deciding(uncommitted_operators="no-mail")),
    ("a-suspended-mailbox-is-still", _taking(w.RESUMED, w.SUSPENDED)),
    ("a-deleted-mailbox-is-gone", _open_to_all(w.LEFT)),
    ("a-usager-does-not-start", deciding(shadow_operators=(GHT,))),
    ("generated-sessions", _open_to_all(SECRETARIAT)),
]
MILTER_TOO: Final[list[tuple[str, How]]] = [
    ("fin-ends-a-contact", told(b"Subject\0[fin]", b"Subject\0[FIN]")),
    ("fin-ends-a-contact", told(b"Subject\0xx [FIN] yy", b"Subject\0   [FIN]   ")),
    ("a-message-with-the-fin-header-opens-nothing", told(b"X-MSS-MES\0AUTRE", b"X-MSS-MES\0 FIN ")),
    ("a-message-with-the-fin-header-is-not-answered", deciding(fin_header="ends-contact")),
]
TOO: Final[dict[Protocol, list[tuple[str, How]]]] = {"postfix": RULES_TOO, "milter": [*RULES_TOO, *MILTER_TOO]}
HANGS_UP: Final = ("a-silent-connection-holds-up-no-other", "a-late-abort-takes-nothing-back")
BROKEN: Final[dict[Protocol, dict[str, How]]] = {"postfix": POSTFIX, "milter": MILTER}
SAMPLES = [
    pytest.param(protocol, name, how, id=f"{protocol}-{name}")
    for protocol in PROTOCOLS
    for name, how in (*BROKEN[protocol].items(), *TOO[protocol])
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_check_has_a_sample_that_breaks_it(protocol: Protocol) -> None:
    names = [check.name for check in checks_of(protocol)]
    assert sorted(names) == sorted(BROKEN[protocol])


def test_options_that_are_not_the_defaults_are_found() -> None:
    found = [how.options for _, how in (*RULES.items(), *MILTER.items(), *TOO["milter"])]
    fields = structs.fields(Options)
    assert {field.name for field in fields for options in found if getattr(options, field.name) != field.default} == {
        field.name for field in fields
    }


@pytest.mark.parametrize(("protocol", "name", "how"), SAMPLES)
def test_what_is_broken_is_found(
    protocol: Protocol, name: str, how: How, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postfix_checks, milter_checks):
        monkeypatch.setattr(module, "_SHORT", 60)  # what should stay silent speaks at once
    check = next(check for check in checks_of(protocol, sessions=60) if check.name == name)
    with sample(protocol, tmp_path, how) as where:
        problem = problem_of(check, server_at(protocol, parse_address(where), 2.0))
    assert problem is not None
    assert ("closed without an answer" in problem) == (name in HANGS_UP)  # else the sample broke down, and not the rule

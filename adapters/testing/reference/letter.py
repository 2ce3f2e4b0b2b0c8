"""What is decided on one message, recipient by recipient, as people read the rules."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from huissier.adapters.testing.reference.past import (
    Box,
    Decided,
    Past,
    domain_at,
    has_contract,
    has_signed_cgu_in_force,
    is_committed,
    is_open_pharmacy,
    is_usager,
    mailbox_at,
    received,
)
from huissier.domain.commands import SubmitMessage
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.errors import VocabularyError

USAGERS_SINCE = datetime(2021, 5, 26, tzinfo=UTC)  # référentiel 1.4
MIXED_SINCE = datetime(2021, 6, 10, tzinfo=UTC)  # rule 6
COMMITTED_BY = datetime(2021, 11, 26, tzinfo=UTC)  # six months to comply
LARGEST = 25_000_000  # rule 13


class Letter(NamedTuple):
    """A message, whom its addresses mean, and the past it is decided on."""

    command: SubmitMessage
    sender: Box | None
    recipients: list[Box | None]
    reply_to: Box | None
    at: datetime
    past: Past
    options: Options

    def decided(self) -> Decided:
        """Decide for every recipient; then rules 1, 2, 4 and 6 say what that does to the usagers it goes to."""
        codes: dict[Box | None, tuple[bool, tuple[str, ...]]] = {}
        for to in self.recipients:
            against = self.against(to)
            codes[to] = (not against, against or self.in_favour(to))
        shadow = frozenset(to for to, (yes, reasons) in codes.items() if not yes and self.is_in_shadow(to, reasons))
        if self.command.stage == "end-of-message" and any(
            not yes and to not in shadow for to, (yes, _) in codes.items()
        ):
            for to, (yes, reasons) in codes.items():
                if yes or to in shadow:
                    codes[to] = (False, (*(() if yes else reasons), "OTHER_RECIPIENT_REFUSED"))
            shadow = frozenset()
        accepted = [to for to, (yes, _) in codes.items() if yes and to is not None]
        usagers = frozenset(to for to in accepted if is_usager(self.past, to))
        if self.sender is None or is_usager(self.past, self.sender) or not usagers:
            return Decided(codes, usagers, shadow)
        answer_to = self.answer_to()
        spoken_for = (self.sender,) if answer_to is None else (self.sender, answer_to)
        forbids = self.command.mss_mes is not None and self.command.mss_mes.strip().upper() == "FIN"
        ends = self.command.subject == "[FIN]" or (forbids and self.options.fin_header == "ends-contact")
        gaining: tuple[Box, ...] = () if answer_to is None else (answer_to,)
        if self.options.co_recipients == "all":
            gaining += tuple(to for to in accepted if to not in usagers)
        return Decided(
            codes,
            usagers,
            shadow,
            opens=() if ends or forbids else gaining,
            ends=spoken_for if ends else (),
            unanswerable=spoken_for if forbids else (),
        )

    def is_in_shadow(self, to: Box | None, reasons: tuple[str, ...]) -> bool:
        """Say whether a refusal is recorded and let pass under the options."""
        ends = [domain_at(self.past, box.domain).operator for box in (self.sender, to) if box is not None]
        of_operator = any(operator in self.options.shadow_operators for operator in ends)
        return of_operator or set(reasons) <= set(self.options.shadow_reasons)

    def answer_to(self) -> Box | None:
        """Rule 2: a Reply-To in the trust space, else the sender; nobody if it is unreadable or a usager's."""
        if not self.command.reply_to:
            return self.sender
        if self.reply_to is None or is_usager(self.past, self.reply_to):
            return None
        return self.reply_to if self.is_admitted(self.reply_to.domain) else self.sender

    def against(self, to: Box | None) -> tuple[str, ...]:
        """Name every reason against, in the order of the contract."""
        past, at, sender = self.past, self.at, self.sender
        from_usager, to_usager = is_usager(past, sender), is_usager(past, to)
        usager_writes = from_usager and to is not None and not to_usager
        contact = self.contact_with(to) if usager_writes else ""
        reasons: list[str] = []

        if sender is None or to is None:
            reasons.append("ADDRESS_INVALID")
        if sender is not None and not self.is_admitted(sender.domain):
            reasons.append("SENDER_DOMAIN_NOT_ADMITTED")
        if to is not None and not self.is_admitted(to.domain):
            reasons.append("RECIPIENT_DOMAIN_NOT_ADMITTED")
        if sender is not None and not self.is_paired(sender.domain):
            reasons.append("CERTIFICATE_NOT_ADMITTED")
        for status, code in ((None, "UNKNOWN"), ("deleted", "DELETED"), ("suspended", "SUSPENDED")):
            for role, box in (("SENDER", sender), ("RECIPIENT", to)):
                if box is None or mailbox_at(past, box).status != status:
                    continue
                if status is not None or domain_at(past, box.domain).hosted:
                    reasons.append(f"{role}_{code}")
        hosted = [box for box in (sender, to) if box is not None and domain_at(past, box.domain).hosted]
        if any(not has_contract(past, box.domain) for box in hosted):
            reasons.append("OPERATOR_NOT_CONTRACTED")
        with_usager, before = from_usager or to_usager, self.options.avenant_for_contracts_before
        strict = self.options.uncommitted_operators == "no-mail" and at >= COMMITTED_BY
        committed = all(is_committed(past, box.domain, before) for box in hosted)
        if (with_usager and at < USAGERS_SINCE) or ((with_usager or strict) and not committed):
            reasons.append("OPERATOR_NOT_COMMITTED")
        if sender is not None and sender in hosted and not self.may_send_under_the_cgu(sender):
            reasons.append("CGU_NOT_SIGNED")
        if from_usager and to_usager:
            reasons.append("USAGER_TO_USAGER")
        if contact == "none" and not is_open_pharmacy(past, to, at):
            reasons.append("CONTACT_NOT_OPENED")
        if contact == "ended":
            reasons.append("CONTACT_ENDED")
        if usager_writes and self.answers_the_unanswerable(to):
            reasons.append("REPLY_NOT_ALLOWED")
        if at < MIXED_SINCE and self.is_mixed():
            reasons.append("MIXED_RECIPIENTS")
        if to_usager and at >= USAGERS_SINCE and (self.command.size or 0) > LARGEST:
            reasons.append("MESSAGE_TOO_LARGE")
        return tuple(reasons)

    def in_favour(self, to: Box | None) -> tuple[str, ...]:
        """Name every reason for a message that nothing stands against."""
        if not is_usager(self.past, self.sender):
            return ("PROFESSIONNEL_TO_USAGER" if is_usager(self.past, to) else "PROFESSIONNEL_TO_PROFESSIONNEL",)
        reasons = ["CONTACT_OPEN"] if self.contact_with(to) == "open" else []
        if is_open_pharmacy(self.past, to, self.at):
            reasons.append("PHARMACY_OPEN_TO_USAGERS")
        return tuple(reasons)

    def is_mixed(self) -> bool:
        """Rule 6: it goes to professionnels and to usagers."""
        return len({is_usager(self.past, to) for to in self.recipients if to is not None}) == 2

    def contact_with(self, professionnel: Box | None) -> str:
        """Say whether the usager's right to write to a professional address is `open`, `ended` or `none`.

        It is open if the last message that gives it and was received was sent after the last that ended it.
        """
        sent = [(e, e.decided) for e in self.past if e.decided is not None and self.sender in e.decided.usagers]
        gives = [
            (entry.at, entry.place)
            for entry, decided in sent
            if professionnel in decided.opens and received(self.past, entry.command, self.sender)
        ]
        ends = [(entry.at, entry.place) for entry, decided in sent if professionnel in decided.ends]
        if not ends:
            return "open" if gives else "none"
        return "open" if self.options.reopening and gives and max(gives) > max(ends) else "ended"

    def answers_the_unanswerable(self, professionnel: Box | None) -> bool:
        """Rule 4b: it answers a message that came with X-MSS-MES: FIN."""
        asked = _bare(self.command.in_reply_to)
        return asked != "" and any(
            self.sender in entry.decided.usagers
            and professionnel in entry.decided.unanswerable
            and _bare(entry.command.message_id) == asked
            for entry in self.past
            if isinstance(entry.command, SubmitMessage) and entry.decided is not None
        )

    def may_send_under_the_cgu(self, sender: Box) -> bool:
        """Rule 10, under the option."""
        any_version = self.options.cgu_signature == "any-version"
        return has_signed_cgu_in_force(self.past, sender, self.at, any_version=any_version)

    def is_admitted(self, name: str) -> bool:
        """Rule 8: in the white list, or within the grace after leaving it."""
        domain = domain_at(self.past, name)
        return domain.admitted or self.is_in_grace(domain.withdrawn_at)

    def is_paired(self, name: str) -> bool:
        """Rule 8: always so where no certificate is known; one whose name cannot be read is paired with no domain."""
        if self.command.certificate_dn is None:
            return self.command.certificate_cn is None or self.has_common_name(name, self.command.certificate_cn)
        try:
            certificate = CertificateDn.parse(self.command.certificate_dn)
        except VocabularyError:
            return False
        pairs = domain_at(self.past, name).pairs
        return certificate in pairs and (pairs[certificate] is None or self.is_in_grace(pairs[certificate]))

    def has_common_name(self, name: str, common_name: str) -> bool:
        """Say whether one of the domain's certificates has this common name and no other."""
        wanted = " ".join(common_name.casefold().split())
        return wanted != "" and any(
            [value for kind, value in dn.attributes if kind == "CN"] == [wanted]
            for dn, withdrawn_at in domain_at(self.past, name).pairs.items()
            if withdrawn_at is None or self.is_in_grace(withdrawn_at)
        )

    def is_in_grace(self, withdrawn_at: datetime | None) -> bool:
        """Say whether a withdrawal is recent enough not to count yet."""
        grace = timedelta(days=self.options.withdrawal_grace_days)
        return withdrawn_at is not None and self.at < withdrawn_at + grace


def _bare(message_id: str | None) -> str:
    return (message_id or "").strip().removeprefix("<").removesuffix(">").strip()

"""What only a milter meets on a real Postfix: headers, certificates, sizes, mail that does not come by SMTP."""

import re
import smtplib
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from huissier.adapters.testing.hospital import CABINET_CN, DOCTOR, HOSPITAL, OUTSIDER, REMOTE_DOCTOR, SURGEON, USAGER
from huissier.domain.events import MessageDecided
from tests.postfix.client import begin, finish, send, session
from tests.postfix.conftest import NewSite
from tests.postfix.gateway import NAME, Front
from tests.postfix.reckoning import assert_all_agree, facts, reckon
from tests.postfix.server import Postfix
from tests.waiting import eventually

pytestmark = pytest.mark.postfix

FINAL_HOP = '[gateway]\nfinal_hop = true\nhosted = ["patient.mssante.fr"]\n'


@pytest.fixture
def front() -> Front:
    return "milter"


def test_what_postfix_refuses_itself_is_not_recorded(new_site: NewSite) -> None:
    refusing = f"smtpd_recipient_restrictions = check_recipient_access inline:{{ {{{REMOTE_DOCTOR} = REJECT}} }}"
    site = new_site(more=refusing)
    sent = send(site.server.port, DOCTOR, REMOTE_DOCTOR, SURGEON)
    assert sent.recipients[REMOTE_DOCTOR].startswith("554")
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    assert assert_all_agree(site.server, site.url).accepted == {(sent.queue_id, SURGEON): 1}


def test_the_decision_is_named_in_the_message_and_a_forged_one_is_gone(new_site: NewSite) -> None:
    site = new_site()
    forged = "X-Huissier-Decision: mx1/forged\nx-huissier-DECISION : mx1/forged too\n"
    sent = send(site.server.port, DOCTOR, SURGEON, headers=forged)
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    [message] = site.server.messages()
    assert message.get_all("X-Huissier-Decision") == [f"{NAME}/{sent.queue_id}"]


def test_a_fin_that_is_folded_encoded_or_doubled_ends_a_contact(new_site: NewSite) -> None:
    site = new_site(settings=FINAL_HOP)
    for subject in ("[FIN]", "\n [FIN]", "=?utf-8?B?W0ZJTl0=?=", "x\nSubject: [FIN]"):
        assert send(site.server.port, DOCTOR, USAGER).is_taken  # opens it, or opens it again
        assert send(site.server.port, USAGER, DOCTOR).is_taken
        assert send(site.server.port, DOCTOR, USAGER, subject=subject).is_taken
        assert "CONTACT_ENDED" in send(site.server.port, USAGER, DOCTOR).recipients[DOCTOR]


def test_the_reply_to_gains_the_right_and_two_of_them_give_none(new_site: NewSite) -> None:
    site = new_site(settings=FINAL_HOP)
    twice = f"Reply-To: {DOCTOR}\nReply-To: {SURGEON}\n"
    assert send(site.server.port, DOCTOR, USAGER, headers=twice).is_taken
    assert not send(site.server.port, USAGER, DOCTOR).is_taken
    assert send(site.server.port, DOCTOR, USAGER, headers=f"Reply-To: Dr. J. Durand\n\t<{SURGEON}>\n").is_taken
    assert not send(site.server.port, USAGER, DOCTOR).is_taken
    assert send(site.server.port, USAGER, SURGEON).is_taken


def test_a_message_that_may_not_be_answered_is_not(new_site: NewSite) -> None:
    site = new_site(settings=FINAL_HOP)
    assert send(site.server.port, DOCTOR, USAGER).is_taken
    mute = "X-MSS-MES: OUI\nX-MSS-MES: FIN\nMessage-ID: <1@ch-exemple.mssante.fr>\n"
    assert send(site.server.port, DOCTOR, USAGER, headers=mute).is_taken
    answer = send(site.server.port, USAGER, DOCTOR, headers="References: <0@x> <1@ch-exemple.mssante.fr>\n")
    assert answer.recipients[DOCTOR].startswith("250")
    assert "REPLY_NOT_ALLOWED" in answer.message
    assert send(site.server.port, USAGER, DOCTOR).is_taken


def test_from_nobody_come_reports_alone(new_site: NewSite) -> None:
    site = new_site()
    before = len(facts(site.url))
    report = 'MIME-Version: 1.0\nContent-Type: multipart/report;\n boundary="b"; report-type=delivery-status\n'
    assert send(site.server.port, "", DOCTOR, headers=report).is_taken
    assert len(facts(site.url)) == before
    assert "ADDRESS_INVALID" in send(site.server.port, "", DOCTOR).message
    assert len(facts(site.url)) == before + 1


def test_the_size_that_counts_is_the_one_that_came(new_site: NewSite) -> None:
    site = new_site(more="message_size_limit = 0\nvirtual_mailbox_limit = 0")
    with session(site.server.port) as server:
        assert begin(server, DOCTOR, USAGER)[USAGER].startswith("250")  # it declares no size
        assert "MESSAGE_TOO_LARGE" in finish(server, "Subject: x\n\n" + ("x" * 998 + "\n") * 27_000)
        server.mail(DOCTOR, ["SIZE=30000000"])
        assert "MESSAGE_TOO_LARGE" in str(server.rcpt(USAGER))
    sent = send(site.server.port, DOCTOR, SURGEON, headers="X-Folded: a\n\tb\n")
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    [decision] = [
        fact for fact in facts(site.url) if isinstance(fact, MessageDecided) and fact.id.endswith(sent.queue_id)
    ]
    assert decision.size == _size_at_end_of_message(site.server, sent.queue_id)


def _size_at_end_of_message(server: Postfix, queue_id: str) -> int:
    """Return what the message counts without what Postfix puts before it and huissier behind it."""
    [message] = server.messages()
    for name in ("Return-Path", "X-Original-To", "Delivered-To", "Received", "X-Huissier-Decision"):
        del message[name]
    assert queue_id in message["Message-Id"]
    return len(re.sub(rb"\r?\n", b"\r\n", message.as_bytes()))


def test_mail_of_a_program_is_taken_for_everybody_or_returned(new_site: NewSite) -> None:
    site = new_site()
    lines = site.gateway.lines.splitlines()[0].replace("smtpd_milters", "non_smtpd_milters")
    with (site.server.root / "conf" / "main.cf").open("a") as main:
        main.write(f"{lines}\n")
    reloaded(site.server)
    for recipients in ((SURGEON, OUTSIDER), (SURGEON, REMOTE_DOCTOR)):
        submitted(site.server, DOCTOR, *recipients)
    eventually(lambda: sum(line.endswith(": removed") for line in site.server.lines()) == 2)
    found = reckon(site.server, site.url)
    assert found.delivered == found.accepted
    assert found.delivered.total() == 2
    assert found.recorded == {("END-OF-MESSAGE", "RECIPIENT_DOMAIN_NOT_ADMITTED"): 1}
    [returned] = site.server.reports()
    assert "RECIPIENT_DOMAIN_NOT_ADMITTED" in returned.as_string()
    report = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b--\n"
    submitted(site.server, "", SURGEON, OUTSIDER, content=report)
    eventually(lambda: reckon(site.server, site.url).recorded[("END-OF-MESSAGE", "ADDRESS_INVALID")] == 1)
    assert reckon(site.server, site.url).delivered == found.delivered


def reloaded(server: Postfix) -> None:
    subprocess.run(["postfix", "-c", str(server.root / "conf"), "reload"], check=True, capture_output=True)


def submitted(server: Postfix, sender: str, *recipients: str, content: bytes = b"Subject: x\n\nBonjour\n") -> None:
    program = ["sendmail", "-C", str(server.root / "conf"), "-f", sender, *recipients]
    subprocess.run(program, input=content, check=True, timeout=60)


def test_a_client_that_types_no_angle_brackets_is_refused_recipient_by_recipient(new_site: NewSite) -> None:
    site = new_site()
    with session(site.server.port) as server:
        assert server.docmd("MAIL", f"FROM:{DOCTOR}")[0] == 250
        assert server.docmd("RCPT", f"TO:{SURGEON}")[0] == 250
        assert server.docmd("RCPT", f"TO:{OUTSIDER}")[0] == 550
        taken = finish(server, "Subject: x\n\nBonjour\n")
    site.server.wait_until_done_with(taken.rpartition("queued as ")[2])
    found = assert_all_agree(site.server, site.url)
    assert (found.accepted.total(), found.recorded.total()) == (1, 1)


def test_a_server_is_known_by_the_certificate_that_postfix_trusts(new_site: NewSite, tmp_path: Path) -> None:
    authority = Authority()
    here = authority.certified(tmp_path / "here.pem", _named("mx.test.invalid"))
    good, other = (authority.certified(tmp_path / name, _named(name)) for name in (CABINET_CN, "mss.ailleurs.fr"))
    stranger = Authority().certified(tmp_path / "stranger.pem", _named("mss.ailleurs.fr"))
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    tls = f"smtpd_tls_chain_files = {here}\nsmtpd_tls_CAfile = {tmp_path}/authority.pem\nsmtpd_tls_ask_ccert = yes"
    settings = f'[gateway]\nhosted = ["{HOSPITAL}"]\n'
    site = new_site(settings=settings, more=f"smtpd_tls_security_level = may\n{tls}")
    assert answered(site.server.port, REMOTE_DOCTOR, good).startswith("250")
    assert "CERTIFICATE_NOT_ADMITTED" in answered(site.server.port, REMOTE_DOCTOR, other)
    for nameless in (_of(NameOID.ORGANIZATION_NAME, "AILLEURS"), x509.Name([]), _named(f"{CABINET_CN}\0x")):
        shown = authority.certified(tmp_path / "nameless.pem", nameless)
        assert "CERTIFICATE_NOT_ADMITTED" in answered(site.server.port, REMOTE_DOCTOR, shown)
    # one that it does not trust is as good as none: docs/gateways.md has it ask for one
    assert answered(site.server.port, REMOTE_DOCTOR, stranger).startswith("250")
    # whoever logs in here shows a certificate of their own, if any
    assert answered(site.server.port, DOCTOR, other).startswith("250")


def answered(port: int, sender: str, certificate: Path) -> str:
    """Return the reply to a recipient of a server that shows a certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate)
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
        server.starttls(context=context)
        server.ehlo("peer.test.invalid")
        server.mail(sender)
        code, text = server.rcpt(SURGEON)
        return f"{code} {text.decode()}"


class Authority:
    """Who signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("authority")
        self.pem = _signed(self._name, self._name, self._key.public_key(), self._key, is_authority=True)

    def certified(self, path: Path, name: x509.Name) -> Path:
        """Write a certificate of that name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, *plain)
        path.write_bytes(private + _signed(name, self._name, key.public_key(), self._key, is_authority=False))
        return path


def _named(common_name: str) -> x509.Name:
    return _of(NameOID.COMMON_NAME, common_name)


def _of(attribute: x509.ObjectIdentifier, value: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(attribute, value)])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

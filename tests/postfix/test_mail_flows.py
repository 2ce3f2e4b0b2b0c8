"""Messages through a real Postfix: what is let through is delivered and recorded once, so is what is refused."""

import json
from pathlib import Path

import pytest

from huissier import SuspendMailbox
from huissier.adapters.testing.hospital import CABINET, DOCTOR, NOBODY, OUTSIDER, REMOTE_DOCTOR, SURGEON, USAGER
from huissier.domain.events import MessageDecided, MessageDelivered, MessageUndelivered
from tests.command_line import huissier
from tests.postfix.client import begin, finish, send, session
from tests.postfix.conftest import NewSite, Site
from tests.postfix.gateway import NAME, Front
from tests.postfix.reckoning import assert_all_agree, facts
from tests.postfix.server import UNDELIVERABLE
from tests.waiting import eventually

pytestmark = pytest.mark.postfix

FINAL_HOP = '[gateway]\nfinal_hop = true\nhosted = ["patient.mssante.fr"]\n'


def ingest(site: Site, folder: Path) -> None:
    done = huissier("ingest", "postfix-log", str(site.server.log), "--gateway", NAME, "--store", site.url, cwd=folder)
    assert done.returncode == 0, done


def test_professionnels_write_to_each_other(new_site: NewSite) -> None:
    site = new_site()
    there, back = send(site.server.port, DOCTOR, SURGEON), send(site.server.port, REMOTE_DOCTOR, DOCTOR)
    assert there.queue_id
    assert back.queue_id
    site.server.wait_until_done_with(there.queue_id, back.queue_id)
    assert assert_all_agree(site.server, site.url).delivered == {
        (there.queue_id, SURGEON): 1,
        (back.queue_id, DOCTOR): 1,
    }


def test_a_usager_answers_once_the_message_was_received(new_site: NewSite, tmp_path: Path) -> None:
    site = new_site()
    early = send(site.server.port, USAGER, DOCTOR)
    assert "CONTACT_NOT_OPENED" in early.recipients[DOCTOR]
    first = send(site.server.port, DOCTOR, USAGER)
    assert first.queue_id
    site.server.wait_until_done_with(first.queue_id)
    assert not send(site.server.port, USAGER, DOCTOR).is_taken  # sent, but nobody has said that it was received
    ingest(site, tmp_path)
    back = send(site.server.port, USAGER, DOCTOR)
    assert back.queue_id
    site.server.wait_until_done_with(back.queue_id)
    assert_all_agree(site.server, site.url)
    ingest(site, tmp_path)
    assert sum(isinstance(fact, MessageDelivered) for fact in facts(site.url)) == 2


def test_the_log_tells_who_had_logged_in_without_a_name(new_site: NewSite, tmp_path: Path) -> None:
    site = new_site(more="smtpd_authorized_xclient_hosts = 127.0.0.1")
    with session(site.server.port) as server:
        assert server.docmd("XCLIENT", "LOGIN=martin")[0] == 220
        server.ehlo("peer.test.invalid")
        assert begin(server, DOCTOR, SURGEON)[SURGEON].startswith("250")
        assert finish(server, "Subject: x\n\nBonjour\n").startswith("250")
    assert send(site.server.port, DOCTOR, SURGEON).is_taken
    site.gateway.stop()
    lines = [json.loads(line) for line in (tmp_path / "gateway.log").read_text().splitlines()]
    logins = [line.get("login") for line in lines if line["event"] == "decision"]
    assert logins[0] is not None
    assert logins == [logins[0]] * 2 + [None] * 2
    assert "martin" not in logins[0]


def test_at_the_final_hop_what_was_accepted_was_received(new_site: NewSite) -> None:
    site = new_site(settings=FINAL_HOP)
    assert send(site.server.port, DOCTOR, USAGER).is_taken
    back = send(site.server.port, USAGER, DOCTOR)
    assert back.queue_id
    site.server.wait_until_done_with(back.queue_id)
    assert_all_agree(site.server, site.url)


def test_who_ends_a_contact_is_not_answered_any_more(new_site: NewSite, front: Front) -> None:
    site = new_site(settings=FINAL_HOP)
    assert send(site.server.port, DOCTOR, USAGER).is_taken
    last = send(site.server.port, DOCTOR, USAGER, subject="[FIN]")
    assert last.queue_id
    reply = send(site.server.port, USAGER, DOCTOR)
    if front == "milter":
        assert "CONTACT_ENDED" in reply.recipients[DOCTOR]
    else:  # a policy service sees no headers
        assert reply.queue_id
    site.server.wait_until_done_with(reply.queue_id or last.queue_id)
    assert_all_agree(site.server, site.url)


def test_of_several_recipients_those_are_reached_that_may_be(new_site: NewSite) -> None:
    site = new_site()
    sent = send(site.server.port, DOCTOR, SURGEON, OUTSIDER, USAGER, NOBODY, SURGEON.upper(), OUTSIDER)
    assert sorted(reply[:3] for reply in sent.recipients.values()) == ["250", "250", "250", "550", "550"]
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    found = assert_all_agree_but_for_repeats(site)
    assert {recipient for _, recipient in found} == {SURGEON, "patient.mssante.fr"}


def assert_all_agree_but_for_repeats(site: Site) -> set[tuple[str, str]]:
    """A recipient that is refused twice in one session is recorded once, and told twice."""
    from tests.postfix.reckoning import reckon

    found = reckon(site.server, site.url)
    assert found.delivered == found.accepted
    assert found.refused.keys() == found.recorded.keys()
    return set(found.delivered)


def test_who_goes_away_after_rcpt_has_sent_nothing(new_site: NewSite) -> None:
    site = new_site()
    before = len(facts(site.url))
    with session(site.server.port) as server:
        assert begin(server, DOCTOR, SURGEON)[SURGEON].startswith("250")
        server.rset()
        assert begin(server, DOCTOR, USAGER)[USAGER].startswith("250")
    sent = send(site.server.port, DOCTOR, REMOTE_DOCTOR)
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    assert assert_all_agree(site.server, site.url).delivered.total() == 1
    assert len(facts(site.url)) == before + 1


def test_what_changed_since_rcpt_refuses_the_message_as_a_whole(new_site: NewSite) -> None:
    site = new_site()
    with session(site.server.port) as server:
        begin(server, DOCTOR, SURGEON, REMOTE_DOCTOR)
        site.tell(SuspendMailbox(address=SURGEON))
        assert "RECIPIENT_SUSPENDED" in finish(server, "Subject: x\n\nBonjour\n")
    found = assert_all_agree(site.server, site.url)
    assert found.refused == {("END-OF-MESSAGE", "RECIPIENT_SUSPENDED"): 1}
    assert not found.delivered


def test_what_bounces_is_reported_and_recorded_once(new_site: NewSite, tmp_path: Path) -> None:
    site = new_site()
    sent = send(site.server.port, DOCTOR, f"{UNDELIVERABLE}@{CABINET}", REMOTE_DOCTOR)
    assert sent.queue_id
    site.server.wait_until_done_with(sent.queue_id)
    eventually(lambda: bool(site.server.reports()))  # a message of its own, under way when the first one is gone
    (tmp_path / "bounce").write_bytes(site.server.reports()[0].as_bytes())
    done = huissier("ingest", "dsn", "bounce", "--gateway", NAME, "--store", site.url, cwd=tmp_path)
    assert (done.returncode, done.stdout.startswith("1 read: 0 delivered, 1 not delivered")) == (0, True)
    ingest(site, tmp_path)
    told = [fact for fact in facts(site.url) if isinstance(fact, MessageDelivered | MessageUndelivered)]
    assert [(type(fact).__name__, fact.id) for fact in told] == [
        ("MessageUndelivered", f"{NAME}/{sent.queue_id}"),
        ("MessageDelivered", f"{NAME}/{sent.queue_id}"),
    ]
    assert sum(isinstance(fact, MessageDecided) for fact in facts(site.url)) == 1

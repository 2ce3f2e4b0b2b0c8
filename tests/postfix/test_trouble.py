"""huissier killed, absent, or without its store behind a real Postfix: mail waits, and nothing passes unrecorded."""

import base64
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from huissier.adapters.testing.hospital import DOCTOR, REMOTE_DOCTOR, SURGEON, USAGER
from huissier.adapters.testing.postgres import Server, own_server
from huissier.adapters.vault import KEY_LENGTH, KEY_VARIABLE
from tests.postfix.client import Sent, send
from tests.postfix.conftest import NewSite, Site
from tests.postfix.reckoning import assert_all_agree, assert_nothing_passed_unrecorded
from tests.postfix.server import LONGEST
from tests.waiting import eventually

pytestmark = pytest.mark.postfix

IMPATIENT = "[timeouts]\nstore = 0.5\n"
SENDERS, EACH = 4, 12


def is_deferred(sent: Sent) -> bool:
    replies = [*sent.recipients.values(), sent.message]
    return not sent.is_taken and any(reply.startswith("4") for reply in replies)


def sent_at_last(site: Site) -> str:
    """Send a message as often as it takes, as a mail server does with what was deferred."""
    taken: list[str] = []

    def is_taken() -> bool:
        taken.extend(filter(None, [send(site.server.port, DOCTOR, SURGEON).queue_id]))
        return bool(taken)

    eventually(is_taken)
    return taken[0]


class Traffic:
    """Several senders at work; each tries again what was deferred until it is taken, or refused for good."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.some_done, self.one_deferred = Event(), Event()
        self.taken: list[str] = []

    def run(self, number: int) -> None:
        sender, recipient = [(DOCTOR, SURGEON), (REMOTE_DOCTOR, DOCTOR), (USAGER, DOCTOR), (DOCTOR, USAGER)][number]
        for _ in range(EACH):
            while is_deferred(sent := send(self._site.server.port, sender, recipient)):
                self.one_deferred.set()
            if sent.queue_id is not None:
                self.taken.append(sent.queue_id)
                self.some_done.set()


def test_huissier_killed_in_the_middle_of_traffic(new_site: NewSite) -> None:
    site = new_site()
    traffic = Traffic(site)
    with ThreadPoolExecutor(SENDERS) as senders:
        work = [senders.submit(traffic.run, number) for number in range(SENDERS)]
        assert traffic.some_done.wait(LONGEST)
        site.gateway.kill()
        assert traffic.one_deferred.wait(LONGEST)
        site.gateway.start()
        for each in work:
            each.result()
    site.server.wait_until_done_with(*traffic.taken)
    found = assert_nothing_passed_unrecorded(site.server, site.url)
    assert found.delivered.total() == (SENDERS - 1) * EACH
    assert found.refused == {("RCPT", "CONTACT_NOT_OPENED"): EACH}


def test_huissier_reloaded_and_restarted_in_the_middle_of_traffic_loses_nothing(new_site: NewSite) -> None:
    site = new_site(settings="[timeouts]\ndrain = 30\n")
    traffic = Traffic(site)
    with ThreadPoolExecutor(SENDERS) as senders:
        work = [senders.submit(traffic.run, number) for number in range(SENDERS)]
        assert traffic.some_done.wait(LONGEST)
        for _ in range(3):
            site.gateway.reload()
        site.gateway.stop()
        site.gateway.start()
        site.gateway.reload()
        for each in work:
            each.result()
    site.server.wait_until_done_with(*traffic.taken)
    found = assert_all_agree(site.server, site.url)
    assert found.delivered.total() == (SENDERS - 1) * EACH
    assert found.refused == {("RCPT", "CONTACT_NOT_OPENED"): EACH}


def test_without_huissier_mail_waits(new_site: NewSite) -> None:
    site = new_site()
    site.gateway.kill()
    assert is_deferred(send(site.server.port, DOCTOR, SURGEON))
    site.gateway.start()
    site.server.wait_until_done_with(sent_at_last(site))
    assert assert_all_agree(site.server, site.url).delivered.total() == 1


def test_a_store_that_somebody_locks_defers(new_site: NewSite, tmp_path: Path) -> None:
    site = new_site(settings=IMPATIENT)
    holder = sqlite3.connect(tmp_path / "huissier.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert is_deferred(send(site.server.port, DOCTOR, SURGEON))
    assert is_deferred(send(site.server.port, USAGER, DOCTOR))
    holder.execute("ROLLBACK")
    holder.close()
    site.server.wait_until_done_with(sent_at_last(site))
    assert assert_nothing_passed_unrecorded(site.server, site.url).delivered.total() == 1


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(KEY_LENGTH)).decode())
    with own_server() as server:
        yield server


def test_a_database_that_stops_defers(database: Server, new_site: NewSite) -> None:
    site = new_site(url=database.url, settings=IMPATIENT)
    first = sent_at_last(site)
    database.stop_at_once()
    assert is_deferred(send(site.server.port, DOCTOR, SURGEON))
    assert is_deferred(send(site.server.port, USAGER, DOCTOR))
    database.start()
    site.server.wait_until_done_with(first, sent_at_last(site))
    assert assert_nothing_passed_unrecorded(site.server, site.url).delivered.total() == 2

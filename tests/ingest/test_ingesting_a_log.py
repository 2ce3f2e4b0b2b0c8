"""A Postfix log becomes reports of delivery, each once; what does not fit is kept aside."""

import json
import os
import stat
from pathlib import Path

import pytest

import huissier
from huissier.adapters.clock import utc_now
from huissier.adapters.ingest.log_lines import PostfixLog
from huissier.adapters.ingest.log_times import LogTimes
from huissier.adapters.ingest.sightings import LONGEST_CAUSE, Sighting
from huissier.adapters.json_lines import LineCutter
from huissier.adapters.testing.hospital import DOCTOR, REMOTE_DOCTOR, SECRETARIAT, SURGEON, USAGER, ins, moment, write
from tests.command_line import Done
from tests.command_line import huissier as run
from tests.ingest.logs import GATEWAY, STORE, counts, delivery, kept_aside, line, may_answer, queue_id, submitted, told


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ingest(*lines: str, options: tuple[str, ...] = ("--gateway", GATEWAY)) -> Done:
    Path("mail.log").write_text("".join(lines))
    return run("ingest", "postfix-log", "mail.log", *options, "--json", cwd=Path())


def test_what_was_sent_is_delivered_and_the_usager_may_answer() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert not may_answer()
    done = ingest(line("removed", program="postfix/qmgr"), delivery(USAGER))
    assert (done.returncode, counts(done)["delivered"]) == (0, 1)
    assert may_answer()


def test_reading_it_again_records_nothing_twice() -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    lines = [delivery(USAGER), delivery(SURGEON, "bounced", said="unknown user", dsn="5.1.1")]
    first = counts(ingest(*lines))
    assert (first["delivered"], first["undelivered"], first["unchanged"]) == (1, 1, 0)
    with huissier.open(STORE) as engine:
        head = engine.head
    again = counts(ingest(*lines, *lines))
    assert (again["delivered"], again["undelivered"], again["unchanged"]) == (0, 0, 4)
    with huissier.open(STORE) as engine:
        assert engine.head == head


def test_deferred_is_no_final_state() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(delivery(USAGER, "deferred", said="connect timed out", dsn="4.4.1", relay="none"))
    assert (done.returncode, counts(done)["not_final"]) == (0, 1)
    assert not may_answer()


def test_when_postfix_gives_up_those_of_whom_nothing_was_heard_did_not_get_it() -> None:
    told(STORE, submitted([USAGER, SURGEON, REMOTE_DOCTOR], DOCTOR))
    expired = line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr")
    done = ingest(delivery(SURGEON), delivery(USAGER, "deferred", dsn="4.4.1"), expired)
    assert (counts(done)["delivered"], counts(done)["undelivered"]) == (1, 2)
    again = counts(ingest(expired))
    assert (again["undelivered"], again["unchanged"]) == (0, 1)


def test_what_was_queued_anew_is_reported_under_its_first_queue_id() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    anew = line(f"uid=102 from=<{DOCTOR}> orig_id={queue_id()}", program="postfix/pickup", queue=queue_id(2))
    done = ingest(delivery(USAGER, "deferred", dsn="4.4.1"), anew, delivery(USAGER, queue=queue_id(2)))
    assert (done.returncode, counts(done)["delivered"]) == (0, 1)
    assert may_answer()


@pytest.mark.parametrize("status", ["sent", "bounced"])
def test_a_delivery_to_no_address_is_about_nobody_and_not_about_all(status: str) -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    done = ingest(delivery("", status))
    assert counts(done)["kept_aside"] == {"UNREADABLE": 1}
    assert (counts(done)["delivered"], counts(done)["undelivered"]) == (0, 0)


def test_giving_up_on_a_message_that_nobody_asked_about_is_kept_aside() -> None:
    told(STORE)
    done = ingest(line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr"))
    assert counts(done)["kept_aside"] == {"NOT_FOUND": 1}


def test_a_recipient_is_found_under_the_address_that_was_submitted() -> None:
    told(STORE, submitted([SECRETARIAT], DOCTOR))
    done = ingest(delivery("box42@store.internal", orig_to=SECRETARIAT.upper()))
    assert (done.returncode, counts(done)["delivered"]) == (0, 1)


def test_what_passes_a_filter_is_reported_under_its_first_queue_id() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    first, second = queue_id(1), queue_id(2)
    handed_on = delivery(USAGER, said=f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second}")
    came_back = line("client=localhost[127.0.0.1]", program="postfix/smtpd", queue=second)
    removed = line("removed", program="postfix/qmgr", queue=first)
    done = ingest(came_back, handed_on, removed)
    assert (done.returncode, counts(done)["delivered"], counts(done)["not_final"]) == (0, 0, 1)
    assert not may_answer()
    done = ingest(came_back, handed_on, removed, delivery(USAGER, queue=second))
    assert (done.returncode, counts(done)["delivered"]) == (0, 1)
    assert may_answer()


def test_a_filter_that_names_the_first_queue_id_is_understood_at_once() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    came_back = line(
        f"client=localhost[127.0.0.1], orig_queue_id={queue_id(1)}, orig_client=x[192.0.2.1]",
        program="postfix/smtpd",
        queue=queue_id(2),
    )
    assert counts(ingest(came_back, delivery(USAGER, queue=queue_id(2))))["delivered"] == 1


def test_what_another_server_says_it_was_queued_as_is_no_hop() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert counts(ingest(delivery(USAGER, said=f"250 2.0.0 Ok: queued as {queue_id(3)}")))["delivered"] == 1


def test_forwarded_is_the_word_of_local_alone() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    own = delivery(USAGER, said=f"forwarded as {queue_id(3)}", program="postfix/local", relay="local")
    assert counts(ingest(own))["not_final"] == 1
    assert not may_answer()
    for said in ("250 2.0.0 Ok: message forwarded as requested", f"forwarded as {queue_id(3)}"):
        assert counts(ingest(delivery(USAGER, said=said)))["not_final"] == 0
    assert may_answer()


def test_a_recipient_who_was_typed_oddly_is_found_under_the_address_it_was_delivered_to() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert counts(ingest(delivery(USAGER, orig_to='"a b, status=sent (x"@[127.0.0.1]')))["delivered"] == 1


@pytest.mark.parametrize("name", ["127.0.0.1:10024", "127.0.0.1[127.0.0.1]:10024"])
def test_a_relay_may_be_named_that_only_passes_messages_on(name: str) -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(
        delivery(USAGER, relay="127.0.0.1[127.0.0.1]:10024", said="250 Ok"),
        options=("--gateway", GATEWAY, "--on-the-way", name),
    )
    assert (counts(done)["delivered"], counts(done)["not_final"]) == (0, 1)


def test_what_a_server_itself_reports_is_no_submission() -> None:
    told(STORE)
    bounce = line("from=<>, size=2297, nrcpt=1 (queue active)", program="postfix/qmgr")
    expired = line("from=<>, status=expired, returned to sender", program="postfix/qmgr")
    done = ingest(
        bounce, delivery(DOCTOR, "deferred"), expired, delivery(DOCTOR), line("removed", program="postfix/qmgr")
    )
    assert (done.returncode, counts(done)["from_nobody"]) == (0, 3)


def test_who_was_handed_to_a_relay_on_the_way_is_not_given_up() -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    expired = line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr")
    done = ingest(
        delivery(USAGER, relay="127.0.0.1[127.0.0.1]:10024", said="250 Ok"),
        delivery(SURGEON, "deferred", relay="none", dsn="4.4.1", said="timeout"),
        expired,
        options=("--gateway", GATEWAY, "--on-the-way", "127.0.0.1:10024"),
    )
    assert (done.returncode, counts(done)["undelivered"]) == (1, 0)
    assert "a copy is still under way" in kept_aside(Path())
    requeued = ingest(
        delivery(USAGER, relay="127.0.0.1[127.0.0.1]:10024", said="250 Ok"),
        line(f"uid=0 from=<{DOCTOR}> orig_id={queue_id()}", program="postfix/pickup", queue=queue_id(2)),
        line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr", queue=queue_id(2)),
        options=("--gateway", GATEWAY, "--on-the-way", "127.0.0.1:10024"),
    )
    assert counts(requeued)["undelivered"] == 0


def test_what_was_thrown_away_was_not_delivered() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(delivery(USAGER, relay="none", program="postfix/discard", said="silently"))
    assert (counts(done)["delivered"], counts(done)["undelivered"]) == (0, 1)


def test_a_traditional_time_of_the_second_of_the_decision_is_not_before_it() -> None:
    from huissier.domain.vocabulary.times import parse_time

    id_ = f"{GATEWAY}/{queue_id()}"
    told(STORE, write(DOCTOR, USAGER, id=id_, at=parse_time("2026-10-31T08:30:00.700000Z")))
    options = ("--gateway", GATEWAY, "--timezone", "Europe/Paris")
    done = ingest(delivery(USAGER, stamp="Oct 31 09:30:00"), options=options)
    assert (done.returncode, counts(done)["delivered"]) == (0, 1)
    trail = run("audit", "trail", "--json", cwd=Path()).stdout
    assert '"at":"2026-10-31T08:30:00.999999Z"' in trail


def test_a_clock_that_is_behind_loses_no_delivery() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert counts(ingest(delivery(USAGER, stamp="2026-10-31T08:29:30+00:00")))["delivered"] == 1


@pytest.mark.parametrize("gives_up", [True, False])
def test_a_clock_that_is_behind_makes_a_line_about_no_other_submission(gives_up: bool) -> None:
    earlier = write(SURGEON, USAGER, id=f"{GATEWAY}/{queue_id(2)}", at=moment("2026-10-31T08:00"), final_hop=False)
    told(STORE, earlier, submitted([USAGER], DOCTOR))
    came = line(f"client=localhost[127.0.0.1], orig_queue_id={queue_id(2)}, orig_client=x", program="postfix/smtpd")
    stamp, expired = "2026-10-31T08:29:30+00:00", f"from=<{DOCTOR}>, status=expired, returned to sender"
    end = line(expired, program="postfix/qmgr", stamp=stamp) if gives_up else delivery(USAGER, "bounced", stamp=stamp)
    assert counts(ingest(came, end))["undelivered"] == 1
    assert counts(ingest(delivery(USAGER, "bounced")))["unchanged"] == 1


def test_what_cannot_be_matched_is_kept_aside_without_an_ins() -> None:
    told(STORE, submitted([SURGEON], DOCTOR), submitted([USAGER], DOCTOR, number=2, final_hop=True))
    done = ingest(
        delivery(USAGER, "bounced", said=f"550 <{USAGER}>: no such user", dsn="5.1.1", queue=queue_id(5)),
        delivery(REMOTE_DOCTOR),
        delivery(USAGER, "bounced", said="mailbox full", dsn="5.2.2", queue=queue_id(2)),
        delivery("x").replace("delay=", "dlay="),
        delivery(SURGEON, "swallowed"),
        delivery(SURGEON),
    )
    assert done.returncode == 1
    assert counts(done)["kept_aside"] == {"NOT_FOUND": 2, "NOT_ALLOWED_IN_STATE": 1, "UNREADABLE": 2}
    text = kept_aside(Path())
    assert ins(1) not in text
    entries = [json.loads(entry) for entry in text.splitlines()]
    assert sorted((entry["place"], entry["reason"]) for entry in entries) == [
        (1, "NOT_FOUND"),
        (2, "NOT_FOUND"),
        (3, "NOT_ALLOWED_IN_STATE"),
        (4, "UNREADABLE"),
        (5, "UNREADABLE"),
    ]
    first = next(entry for entry in entries if entry["place"] == 1)
    assert first["recipients"][0].startswith("digest:")
    assert first["recipients"][0].endswith("@patient.mssante.fr")
    assert first["submissions"] == [f"{GATEWAY}/{queue_id(5)}"]
    assert stat.S_IMODE(os.stat("huissier-aside.jsonl").st_mode) == 0o600


def test_what_cannot_be_matched_leaves_no_fact() -> None:
    told(STORE)
    with huissier.open(STORE) as engine:
        head = engine.head
    ingest(delivery(USAGER))
    with huissier.open(STORE) as engine:
        assert engine.head == head


@pytest.mark.parametrize(
    "crafted",
    [
        f'"x>, relay=none, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (ok"@{DOCTOR.partition("@")[2]}',
        f'{USAGER}>, relay=none, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent ("',
    ],
)
def test_an_address_cannot_pass_for_a_delivery(crafted: str) -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    said = f"host said: 550 <{USAGER}>: status=sent (250 ok)"
    done = ingest(
        line(f"reject: RCPT from x[192.0.2.1]: 550 5.7.1 <{crafted}>: no; to=<{crafted}>", program="postfix/smtpd"),
        delivery(crafted if crafted.startswith('"') else "a b", "bounced", dsn="5.1.1", said=said),
    )
    assert counts(done)["delivered"] == 0
    assert not may_answer()


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00 not text\n", b"{}\n{}\n"])
def test_what_is_no_log_is_told_so(content: bytes) -> None:
    Path("mail.log").write_bytes(content)
    done = run("ingest", "postfix-log", "mail.log", cwd=Path())
    assert done.returncode == 2
    assert "no line of it is one of a Postfix log" in done.stderr


@pytest.mark.parametrize("content", ["-- No entries --\n", f"-- Boot {'0' * 32} --\n", ""])
def test_a_journal_in_which_nothing_was_found_is_one(content: str) -> None:
    told(STORE)
    assert run("ingest", "postfix-log", "-", cwd=Path(), stdin=content).returncode == 0


def test_wherever_a_last_line_is_cut_it_tells_of_no_delivery() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    said = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {queue_id(2)}"
    came_back = line("client=localhost[127.0.0.1]", program="postfix/smtpd", queue=queue_id(2))
    whole = delivery(USAGER, said=said, relay="127.0.0.1[127.0.0.1]:10024")
    log = PostfixLog(LogTimes(utc_now), [GATEWAY])
    for end in range(len(whole)):
        cutter = LineCutter()
        lines = [*cutter.feed((came_back + whole[:end]).encode()), *cutter.end()]
        assert not any(isinstance(log.read(one), Sighting) for one in lines), whole[:end]
    done = ingest(came_back, whole[:-9])
    assert (done.returncode, counts(done)["kept_aside"]) == (1, {"UNREADABLE": 1})
    assert counts(ingest(came_back, whole[:-9], "\n"))["delivered"] == 0
    assert counts(ingest(came_back, whole))["not_final"] == 1


def test_a_whole_last_line_needs_no_end() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert counts(ingest(delivery(USAGER).rstrip("\n")))["delivered"] == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("no.log",), "No such file"),
        (("mail.log", "--timezone", "Nowhere/Land"), "--timezone: not a zone"),
        (("mail.log", "--state", "state"), "holds no place"),
        (("-", "--follow"), "leave out --follow"),
    ],
)
def test_input_that_cannot_be_used_is_named(options: tuple[str, ...], error: str) -> None:
    Path("mail.log").write_text(delivery(DOCTOR))
    Path("state").write_text("[]")
    done = run("ingest", "postfix-log", *options, cwd=Path())
    assert (done.returncode, error in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("length", 10**14),
        ("length", -1),
        ("length", 10**30),
        ("offset", -1),
        ("day", [2026, 2, 30]),
    ],
)
def test_a_damaged_place_is_told_so(key: str, value: object) -> None:
    told(STORE)
    options = ("--gateway", GATEWAY, "--state", "place")
    ingest(line("removed", program="postfix/qmgr"), options=options)
    kept = json.loads(Path("place").read_text())
    (kept if key == "day" else kept["place"])[key] = value
    Path("place").write_text(json.dumps(kept))
    done = ingest(line("removed", program="postfix/qmgr"), options=options)
    assert (done.returncode, "place holds no place in a log" in done.stderr) == (2, True)


def test_a_29th_of_february_that_an_older_version_kept_of_any_year_is_gone_on_from() -> None:
    told(STORE)
    options = ("--gateway", GATEWAY, "--state", "place", "--year", "2025")
    ingest(line("removed", program="postfix/qmgr"), options=options)
    kept = json.loads(Path("place").read_text())
    Path("place").write_text(json.dumps(kept | {"day": [2025, 2, 29], "year": 2025}))
    assert ingest(line("removed", program="postfix/qmgr"), options=options).returncode == 0


@pytest.mark.parametrize("way", ["handed on first", "handed on last", "by a sibling"])
def test_who_was_handed_on_under_any_queue_id_of_the_message_is_not_given_up(way: str) -> None:
    told(STORE, submitted([REMOTE_DOCTOR, USAGER], DOCTOR))
    second, third = queue_id(2), queue_id(3)

    def came(queue: str) -> str:
        return line("client=localhost[127.0.0.1]", program="postfix/smtpd", queue=queue)

    def filtered(recipient: str, queue: str) -> str:
        return delivery(recipient, relay="127.0.0.1[127.0.0.1]:10025", said=f"250 2.0.0 Ok: queued as {queue}")

    def handed_on(queue: str) -> str:
        return delivery(REMOTE_DOCTOR, queue=queue, relay="127.0.0.1[127.0.0.1]:10024", said="250 ok")

    def removed(queue: str) -> str:
        return line("removed", program="postfix/qmgr", queue=queue)

    first = queue_id(1)
    ways = {
        "handed on first": [handed_on(first), came(second), filtered(USAGER, second), removed(first)],
        "handed on last": [came(second), filtered(USAGER, second), handed_on(first), removed(first)],
        "by a sibling": [
            *(came(third), filtered(REMOTE_DOCTOR, third), came(second), filtered(USAGER, second)),
            *(removed(first), handed_on(third), removed(third)),
        ],
    }
    expired = line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr", queue=second)
    done = ingest(came(first), *ways[way], expired, options=("--gateway", GATEWAY, "--on-the-way", "127.0.0.1:10024"))
    assert (counts(done)["undelivered"], counts(done)["kept_aside"]) == (0, {"UNREADABLE": 1})


def test_a_store_that_cannot_be_used_is_status_3() -> None:
    Path("huissier.db").write_bytes(b"not a database" * 100)
    assert ingest(delivery(DOCTOR)).returncode == 3


def test_standard_input_is_read_as_a_file_is() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    arguments = ("ingest", "postfix-log", "-", "--gateway", "other", "--gateway", GATEWAY)
    done = run(*arguments, cwd=Path(), stdin=delivery(USAGER))
    assert (done.returncode, done.stdout) == (
        0,
        "1 read: 1 delivered, 0 not delivered, 0 known already, 0 still on their way, 0 from nobody, 0 kept aside\n",
    )


@pytest.mark.parametrize("digits", range(10, 16))
def test_no_part_of_an_ins_is_left_where_what_a_server_said_is_cut(digits: int) -> None:
    told(STORE, submitted([SURGEON], DOCTOR))
    filler = "x" * (LONGEST_CAUSE - len("5.1.1 ") - 1 - digits)
    ingest(delivery(SURGEON, "bounced", dsn="5.1.1", said=f"{filler} {ins(1)}@patient.mssante.fr is unknown"))
    with huissier.open(STORE) as engine:
        (*_, last) = engine.recorder.read()
    assert b"undelivered" in last.event.data
    assert ins(1)[:digits].encode() not in last.event.data


def test_while_a_copy_is_under_way_nobody_is_given_up() -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    copies = [
        line(
            f"client=localhost[127.0.0.1], orig_queue_id={queue_id()}, orig_client=x",
            program="postfix/smtpd",
            queue=copy,
        )
        for copy in (queue_id(2), queue_id(3))
    ]
    expired = "from=<dr.martin@ch-exemple.mssante.fr>, status=expired, returned to sender"
    given_up = line(expired, program="postfix/qmgr", queue=queue_id(2))
    done = ingest(*copies, line("removed", program="postfix/qmgr"), given_up)
    assert (done.returncode, counts(done)["undelivered"]) == (1, 0)
    assert "a copy is still under way" in kept_aside(Path())
    arrived = delivery(USAGER, queue=queue_id(3)), line("removed", program="postfix/qmgr", queue=queue_id(3))
    assert counts(ingest(*copies, *arrived, given_up))["undelivered"] == 1
    assert may_answer()


def test_an_address_longer_than_any_is_kept_aside_and_the_lines_behind_it_are_read() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(delivery(f"{'a' * 5000}@ch-exemple.mssante.fr"), delivery(USAGER))
    assert (done.returncode, counts(done)["delivered"]) == (1, 1)
    assert "not a whole line of delivery" in kept_aside(Path())


@pytest.mark.parametrize("name", ["", "a" * 400, "m x", "mx\udcff"])
def test_a_gateways_name_that_none_can_have_is_refused(name: str) -> None:
    told(STORE)
    done = ingest(delivery(USAGER), options=("--gateway", name))
    assert (done.returncode, "--gateway" in done.stderr) == (2, True)


def test_the_year_goes_on_from_where_a_log_was_left() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    options = ("--gateway", GATEWAY, "--timezone", "Europe/Paris", "--year", "2025", "--state", "place")
    ingest(delivery(SURGEON, stamp="Dec 31 10:00:00"), options=options)
    with Path("mail.log").open("a") as log:
        log.write(delivery(SURGEON, stamp="Jan  2 10:00:00"))
        log.write("Jun  2 10:00:00 mx1 postfix/master[1]: reload\n")
    run("ingest", "postfix-log", "mail.log", *options, cwd=Path())
    with Path("mail.log").open("a") as log:
        log.write(delivery(USAGER, stamp="Oct 31 10:00:00"))
    assert counts(run("ingest", "postfix-log", "mail.log", *options, "--json", cwd=Path()))["delivered"] == 1


def test_a_place_is_not_looked_for_in_what_is_no_file() -> None:
    told(STORE)
    done = ingest(delivery(USAGER), options=("--gateway", GATEWAY, "--state", "/dev/full"))
    assert (done.returncode, "/dev/full" in done.stderr) == (2, True)


def test_who_expires_under_another_queue_id_of_postsuper_is_given_up() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(
        line("client=unknown[192.0.2.1]", program="postfix/smtpd"),
        line("requeued", program="postfix/postsuper"),
        line(f"uid=0 from=<{DOCTOR}> orig_id={queue_id()}", program="postfix/pickup", queue=queue_id(2)),
        line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr", queue=queue_id(2)),
    )
    assert (done.returncode, counts(done)["undelivered"]) == (0, 1), kept_aside(Path())


def test_who_expires_while_a_copy_goes_on_is_not_given_up_for_all() -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    copy = f"client=localhost[127.0.0.1], orig_queue_id={queue_id()}, orig_client=x"
    done = ingest(
        line(copy, program="postfix/smtpd", queue=queue_id(2)),
        line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr"),
        delivery(USAGER, queue=queue_id(2)),
    )
    assert (counts(done)["delivered"], counts(done)["undelivered"], done.returncode) == (1, 0, 1)


def test_a_year_that_was_kept_is_not_that_of_another_log() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    options = ("--gateway", GATEWAY, "--timezone", "Europe/Paris", "--state", "place")
    ingest(delivery(SURGEON, stamp="Jan  9 10:00:00"), options=(*options, "--year", "2028"))
    Path("mail.log").unlink()
    assert (
        counts(ingest(delivery(USAGER, stamp="Oct 31 10:00:00"), options=(*options, "--year", "2026")))["delivered"]
        == 1
    )


def test_the_year_goes_on_also_where_the_log_was_replaced() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    options = ("--gateway", GATEWAY, "--timezone", "Europe/Paris", "--state", "place", "--year", "2025")
    days = ("Dec 31", "Jan  9", "Jun  9")
    ingest(*(delivery(SURGEON, stamp=f"{day} 10:00:00") for day in days), options=options)
    Path("mail.log").unlink()
    assert counts(ingest(delivery(USAGER, stamp="Oct 31 10:00:00"), options=options))["delivered"] == 1


def test_what_arrives_under_the_old_queue_id_after_postsuper_is_about_the_submission() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(
        line(f"client=localhost[127.0.0.1], orig_queue_id={queue_id()}", program="postfix/smtpd", queue=queue_id(2)),
        line(f"uid=0 from=<{DOCTOR}> orig_id={queue_id(2)}", program="postfix/pickup", queue=queue_id(3)),
        delivery(USAGER, queue=queue_id(2)),
    )
    assert (done.returncode, counts(done)["delivered"]) == (0, 1), kept_aside(Path())


def test_the_year_goes_on_with_the_lines_that_tell_of_no_delivery() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    other = [
        f"{month} 10 10:00:00 mx1 postfix/master[1]: reload\n" for month in ("Jan", "May", "Sep", "Dec", "Feb", "Jun")
    ]
    options = ("--gateway", GATEWAY, "--timezone", "Europe/Paris", "--year", "2025")
    assert counts(ingest(*other, delivery(USAGER, stamp="Oct 31 10:00:00"), options=options))["delivered"] == 1

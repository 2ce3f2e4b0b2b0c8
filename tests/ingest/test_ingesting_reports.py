"""Reports that came as mail become reports of delivery, about the submission that they name."""

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier.adapters.clock import utc_now
from huissier.adapters.ingest import mail
from huissier.adapters.ingest.aside import Aside
from huissier.adapters.ingest.mail import Message, messages
from huissier.adapters.ingest.recording import Recording
from huissier.adapters.ingest.reports import read_report
from huissier.adapters.ingest.sightings import LONGEST_LOOKED_AT, Sighting, Told, Unreadable
from huissier.adapters.testing.hospital import DOCTOR, SECRETARIAT, SURGEON, USAGER, ins, moment, write
from tests.command_line import Done
from tests.command_line import huissier as run
from tests.ingest.logs import GATEWAY, STORE, counts, delivery, kept_aside, line, may_answer, queue_id, submitted, told
from tests.ingest.reports import about, dsn, encoded, mdn

DECISION = f"{GATEWAY}/{queue_id()}"
EARLIER = "Sat, 31 Oct 2026 08:29:00 +0000"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ingest(text: str, *options: str) -> Done:
    Path("mail").write_text(text)
    return run("ingest", "dsn", "mail", "--gateway", GATEWAY, "--json", *options, cwd=Path())


@pytest.mark.parametrize(
    "report",
    [
        dsn(about(USAGER), decision=DECISION),
        dsn(about(USAGER), decision=DECISION, returned="message/rfc822"),
        dsn(about(USAGER), envelope=DECISION),
        dsn(about(USAGER), envelope=DECISION.replace("/", "+2F")),
        dsn(about(USAGER), queue=queue_id()),
        dsn(
            about(USAGER), received=f"from a (b [192.0.2.1])\n by mx1 (Postfix) with ESMTPS id {queue_id()}\n for <x@y>"
        ),
        dsn(about(USAGER), queue=queue_id(), report="message/global-delivery-status"),
        dsn(about(USAGER.upper()), queue=queue_id()).replace("\n", "\r\n"),
        dsn(about("box@inside.invalid", original=USAGER), queue=queue_id()),
        dsn(about(USAGER, last=EARLIER), queue=queue_id()),
        dsn(about(USAGER, "Expanded"), queue=queue_id()),
        dsn(about(USAGER, "delivered (to mailbox)"), queue=queue_id()),
        dsn(about(f"{USAGER} (Jeanne Martin)").replace("rfc822;", "rfc822 ;"), queue=queue_id()),
        dsn(about(USAGER, r"delivered (to (his) mailbox \) here)"), queue=queue_id()),
        dsn(about(USAGER), decision=f"\n {DECISION} "),
        dsn(about(USAGER), queue=queue_id(), decision=f"{GATEWAY}/{queue_id(5)}", envelope=f"{GATEWAY}/{queue_id(6)}"),
        mdn(f"{USAGER} (moi)", "displayed (lu)", decision=DECISION),
        dsn(
            about(USAGER, "=64elivered"),
            queue=queue_id(),
            report="message/delivery-status\nContent-Transfer-Encoding: Quoted-Printable (as usual) ",
        ),
        encoded(dsn(about(USAGER), queue=queue_id(), report="message/delivery-status")),
        encoded(dsn(about(USAGER), queue=queue_id(), report="message/global-delivery-status")),
        mdn(USAGER, "displayed", decision=DECISION),
        mdn(USAGER, "deleted/error", decision=DECISION),
    ],
)
def test_a_report_is_about_the_submission_that_it_names(report: str) -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    assert not may_answer()
    done = ingest(report)
    assert (done.returncode, counts(done)["delivered"]) == (0, 1), kept_aside(Path())
    assert may_answer()
    assert counts(ingest(report))["unchanged"] == 1


def test_a_submission_is_found_behind_many_hops_and_under_the_names_of_several_gateways() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    hops = [f"from a by b with ESMTP id 4jb4Pk2cHsBz{'BCDFGHJKLM'[n % 10]}{'BCDFGHJKLM'[n // 10]}" for n in range(30)]
    received = "\nReceived: ".join([*hops, f"from a by mx1 with ESMTPS id {queue_id()}"])
    done = ingest(dsn(about(USAGER), received=received), "--gateway", "mx0", "--gateway", "mx2")
    assert (done.returncode, counts(done)["delivered"]) == (0, 1), kept_aside(Path())


@pytest.mark.parametrize("fold", [b"", b"\n ", b"\r\n\t", b"\r "], ids=repr)
@pytest.mark.parametrize("before", [b"", b"Subject: x\n", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"])
def test_a_content_type_that_takes_the_library_for_ever_is_not_read(before: bytes, fold: bytes) -> None:
    content = before + b"CONTENT-type:" + fold + b'multipart/report;a="' + fold + b";" * 1_000_000 + b"\n\n--b\n"
    (one,) = read_report(Message(1, content, False), [GATEWAY])
    assert isinstance(one, Unreadable)
    assert one.error == "not a report of delivery (multipart/report, with a Content-Type of at most 1000 bytes)"


def seconds(report: str, kind: type) -> float:
    """Return how long it takes to read a report; all that it tells is of a kind."""
    began = time.process_time()
    assert {type(one) for one in read_report(Message(1, report.encode(), False), [GATEWAY])} == {kind}
    return time.process_time() - began


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize("of", ["text/plain", "message/delivery-status", "returned", "inside"])
def test_a_content_type_eight_times_as_long_costs_about_eight_times_as_much(kind: str, of: str) -> None:
    report = dsn(about(USAGER, "failed", why="é"), decision="é", queue=queue_id(), returned=f"{kind}; returned")
    report = report.replace("Compte rendu", "Réunion\nContent-Type: multipart/mixed; inside")

    def with_parameter(length: int) -> str:
        return report.replace(of, f'{of}; a="{";" * length}')

    assert seconds(with_parameter(80_000), Sighting) < 24 * seconds(with_parameter(10_000), Sighting) + 0.05


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize(
    "parameters",
    [
        *("charset*=us-ascii''utf-8", "boundary=in; a*0=x; a*=us-ascii''y"),
        *("charset=undefined", "charset=idna", "charset=punycode"),
    ],
)
def test_of_what_came_back_the_headers_are_read_and_no_parameters(kind: str, parameters: str) -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    report = dsn(about(USAGER), decision=DECISION, returned=f"{kind}; {parameters}")
    report = report.replace("Compte rendu", f"Réunion\nContent-Type: multipart/mixed; {parameters}")
    assert counts(ingest(report))["delivered"] == 1, kept_aside(Path())


def test_a_report_whose_parameters_contradict_each_other_is_kept_aside_and_those_around_it_are_read() -> None:
    told(STORE, submitted([USAGER], DOCTOR), submitted([SURGEON], DOCTOR, number=2))
    odd = dsn(about(USAGER), queue=queue_id()).replace('"=_b"', "\"=_b\"; a*0=x; a*=us-ascii''y")
    reports = dsn(about(USAGER), queue=queue_id()), odd, dsn(about(SURGEON), queue=queue_id(2))
    done = ingest("\n".join(f"From MAILER-DAEMON Sat Oct 31 09:00:00 2026\n{report}" for report in reports))
    assert (counts(done)["delivered"], counts(done)["kept_aside"]) == (2, {"UNREADABLE": 1})


def test_what_was_told_before_reading_failed_is_recorded() -> None:
    told(STORE, submitted([USAGER], DOCTOR))

    def telling() -> Iterator[Told]:
        yield from read_report(Message(1, dsn(about(USAGER), queue=queue_id()).encode(), False), [GATEWAY])
        raise OSError("gone")

    with huissier.open(STORE) as engine, Aside(Path("aside"), engine.digest) as aside:
        recording = Recording(engine, aside, utc_now)
        with pytest.raises(OSError, match="gone"):
            recording.take(telling())
    assert recording.counts.delivered == 1
    assert may_answer()


def test_fields_about_all_recipients_cost_once_and_not_once_for_each() -> None:
    def report(recipients: int, received: int, long: int) -> str:
        groups = ("Final-Recipient: rfc822; a@b\nAction: x\n",) * recipients
        told = dsn(*groups, queue=queue_id()).replace("Arrival-Date", f"Message-ID: {'x' * long}\nArrival-Date")
        return "Received: a\n" * received + told

    apart = seconds(report(1_000, 0, 0), Unreadable) + seconds(report(1, 20_000, 400_000), Unreadable)
    assert seconds(report(1_000, 20_000, 400_000), Unreadable) < 5 * apart + 0.05
    kept = read_report(Message(1, report(1_000, 0, 400_000).encode(), False), [GATEWAY])
    assert sum(len(one.text) for one in kept if isinstance(one, Unreadable)) < 1_000 * 1_000


def test_a_long_content_type_that_takes_no_time_is_read() -> None:
    names = "".join(f';\n name*{number}="{"n" * 60}"' for number in range(30))
    assert (
        ingest(
            dsn(about(USAGER), queue=queue_id()).replace("Content-Type: text/plain", f"Content-Type: text/plain{names}")
        ).returncode
        == 1
    )  # NOT_FOUND: it was read


def test_of_a_report_without_end_so_many_recipients_are_read_and_the_rest_is_told() -> None:
    report = dsn(*(about(f"dr.{number}@exemple.fr") for number in range(1_500)), queue=queue_id())
    *read, last = read_report(Message(1, report.encode(), False), [GATEWAY])
    assert len(read) == 1_000
    assert isinstance(last, Unreadable)
    assert last.error == "it names more than 1000 recipients; those behind were not read"


def test_a_loss_that_a_report_and_a_log_tell_is_recorded_once_though_the_log_says_it_was_earlier() -> None:
    told(STORE, submitted([USAGER, SURGEON], DOCTOR))
    done = ingest(dsn(about(USAGER, "failed"), queue=queue_id()))
    assert (done.returncode, counts(done)["undelivered"]) == (0, 1)
    Path("mail.log").write_text(
        delivery(USAGER, "bounced", said="unknown user", dsn="5.1.1")
        + line(f"from=<{DOCTOR}>, status=expired, returned to sender", program="postfix/qmgr")
    )
    again = counts(run("ingest", "postfix-log", "mail.log", "--gateway", GATEWAY, "--json", cwd=Path()))
    assert (again["undelivered"], again["unchanged"]) == (1, 1)  # only the surgeon was not heard of


def test_a_milter_may_call_its_decision_header_otherwise() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    report = dsn(about(USAGER), decision=DECISION).replace("X-Huissier-Decision", "X-Our-Decision")
    assert ingest(report).returncode == 1
    assert counts(ingest(report, "--decision-header", "x-our-decision"))["delivered"] == 1


def test_each_recipient_of_a_report_is_told_of() -> None:
    told(STORE, submitted([USAGER, SURGEON, SECRETARIAT], DOCTOR))
    done = ingest(
        dsn(
            about(USAGER, "failed", why=f"550 5.1.1 <{USAGER}>: no such user"),
            about(SURGEON),
            about(SECRETARIAT, "delayed"),
            queue=queue_id(),
        )
    )
    found = counts(done)
    assert (found["delivered"], found["undelivered"], found["not_final"]) == (1, 1, 1)
    trail = run("audit", "trail", "--json", cwd=Path()).stdout
    assert ins(1) not in trail


def test_the_messages_of_an_mbox_are_told_apart() -> None:
    told(STORE, submitted([USAGER], DOCTOR), submitted([SURGEON], DOCTOR, number=2))
    separator = "From MAILER-DAEMON Sat Oct 31 09:00:00 2026\n"
    one, two = dsn(about(USAGER), queue=queue_id(1)), dsn(about(SURGEON), queue=queue_id(2))
    done = ingest(f"{separator}{one}\n{separator}{two}\n{separator}Subject: no report\n\nFrom here on\n")
    assert (done.returncode, counts(done)["lines"], counts(done)["delivered"]) == (1, 3, 2)
    entry = json.loads(kept_aside(Path()))
    assert (entry["place"], entry["reason"]) == (3, "UNREADABLE")


@pytest.mark.parametrize(
    ("report", "error"),
    [
        ("Subject: hello\n\nno report\n", "not a report"),
        (dsn(queue=queue_id()), "names no recipient"),
        (dsn(about(USAGER, "teleported"), queue=queue_id()), "Action"),
        (dsn(about("", "failed"), queue=queue_id()), "Final-Recipient"),
        (dsn(about(USAGER)), "names no submission"),
        (mdn(USAGER, "displayed"), "names no submission"),
        (mdn(USAGER, "denied", decision=DECISION), "Disposition"),
        ("\x00\xff", "not a report"),
    ],
)
def test_what_cannot_be_read_is_kept_aside(report: str, error: str) -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(report)
    assert (done.returncode, counts(done)["kept_aside"]) == (1, {"UNREADABLE": 1})
    assert error in json.loads(kept_aside(Path()))["error"]
    assert ins(1) not in kept_aside(Path())


def test_of_a_report_that_cannot_be_read_it_is_kept_what_it_was_about() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    ingest(dsn(about(SURGEON, "teleported"), about(USAGER, "lost"), queue=queue_id()))
    ingest(mdn(SURGEON, "denied", decision=DECISION))
    kept = [json.loads(line)["text"] for line in kept_aside(Path()).splitlines()]
    for number, words in enumerate(((queue_id(), SURGEON, "teleported"), (queue_id(), "lost"), (SURGEON, "denied"))):
        assert all(word in kept[number] for word in words)
    assert ins(1) not in kept_aside(Path())


def test_a_message_of_multiparts_in_multiparts_is_not_looked_through() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    inner = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(200))
    began = time.process_time()
    done = ingest(dsn(about(USAGER), decision=DECISION, returned=f"text/plain\n\n--=_b\n{inner}") + "a\n" * 100_000)
    assert (done.returncode, counts(done)["kept_aside"]) == (1, {"UNREADABLE": 1})
    assert time.process_time() - began < 10  # it took minutes


def test_a_report_inside_another_message_reports_nothing() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    forwarded = f"Content-Type: message/rfc822\n\n{dsn(about(USAGER), queue=queue_id())}"
    assert counts(ingest(forwarded))["delivered"] == 0


def test_of_a_message_that_is_too_long_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LONGEST_MESSAGE", 2_000)
    told(STORE, submitted([USAGER], DOCTOR))
    done = ingest(dsn(about(USAGER), decision=DECISION) + "attached\n" * 10_000)
    assert (done.returncode, counts(done)["lines"], counts(done)["delivered"]) == (0, 1, 1)
    done = ingest(dsn(about(USAGER), decision=DECISION, body="text\n" * 10_000))
    assert (done.returncode, counts(done)["kept_aside"]) == (1, {"UNREADABLE": 1})


def test_several_files_are_taken_in_one_after_the_other() -> None:
    told(STORE, submitted([USAGER], DOCTOR), submitted([SURGEON], DOCTOR, number=2))
    Path("1").write_text(dsn(about(USAGER), queue=queue_id(1)))
    Path("2").write_text(dsn(about(SURGEON), queue=queue_id(2)))
    done = run("ingest", "dsn", "1", "2", "--gateway", GATEWAY, cwd=Path())
    assert (done.returncode, done.stdout.startswith("2 read: 2 delivered")) == (0, True)


def test_a_file_that_is_not_there_is_status_2() -> None:
    done = run("ingest", "dsn", "nowhere", cwd=Path())
    assert (done.returncode, "nowhere: No such file" in done.stderr) == (2, True)


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_whatever_comes_is_read_or_said_to_be_unreadable(noise: bytes, place: int) -> None:
    report = dsn(about(USAGER, "failed", why="no"), decision=DECISION, queue=queue_id()).encode()
    for one in read_report(Message(1, report[:place] + noise + report[place:], False), (GATEWAY,)):
        assert one is not None


@given(st.lists(st.lists(st.sampled_from(["a: b", "", "From x", ">From y", "c"]), max_size=6).filter(any), min_size=1))
def test_an_mbox_gives_back_the_messages_that_were_put_in(told: list[list[str]]) -> None:
    texts = ["\n".join(lines).strip("\n") + "\n" for lines in told]
    mbox = "".join(f"From a@b.invalid Sat Oct 31 09:00:00 2026\n{text}\n" for text in texts)
    found = list(messages(BytesIO(mbox.encode())))
    assert [message.content.decode().strip("\n") + "\n" for message in found] == texts
    assert [message.number for message in found] == list(range(1, len(texts) + 1))


def test_who_sent_a_message_does_not_choose_about_which_one_a_server_reports() -> None:
    told(STORE, submitted([USAGER], DOCTOR), submitted([USAGER], SURGEON, number=2))
    done = ingest(dsn(about(USAGER), queue=queue_id(2), envelope=DECISION, decision=DECISION))
    assert counts(done)["delivered"] == 1
    assert not may_answer()


@pytest.mark.parametrize("between", ["\n", " \n", "\t \n\n"])
def test_groups_are_parted_by_any_line_without_content(between: str) -> None:
    told(STORE, submitted([USAGER, SECRETARIAT], DOCTOR))
    done = ingest(
        dsn(about(SECRETARIAT) + between + about("inside@x.invalid", "failed", original=USAGER), queue=queue_id())
    )
    assert (done.returncode, counts(done)["delivered"], counts(done)["undelivered"]) == (0, 1, 1)
    assert not may_answer()


def test_a_group_about_two_recipients_is_kept_aside() -> None:
    told(STORE, submitted([USAGER, SECRETARIAT], DOCTOR))
    done = ingest(dsn(about(SECRETARIAT) + about(USAGER, "failed"), queue=queue_id()))
    assert (done.returncode, counts(done)["delivered"]) == (1, 0)
    assert "twice" in kept_aside(Path())


@pytest.mark.parametrize("name", ["X-Note", "Action", "Final-Recipient", "Disposition"])
@pytest.mark.parametrize("unit", [", ", "a b", "; ", "é, ", "(", "\\(", "()", "\n ", "\n \n"])
def test_a_field_eight_times_as_long_costs_about_eight_times_as_much(name: str, unit: str) -> None:
    def with_field(length: int) -> str:
        field = f"{name}: {unit * (length // len(unit))}\n"
        return dsn(queue=queue_id()).replace("Arrival-Date", f"{field}Arrival-Date")

    # where it cost the square of it, 64 times as much
    assert seconds(with_field(240_000), Unreadable) < 24 * seconds(with_field(30_000), Unreadable) + 0.05


def test_a_field_goes_on_behind_a_line_of_blanks() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    fields = about(USAGER, "failed", why="550-no such\n \n 550 user")
    assert counts(ingest(dsn(fields, queue=queue_id())))["undelivered"] == 1
    with huissier.open(STORE) as engine:
        (*_, last) = engine.recorder.read()
    assert b"550-no such 550 user" in last.event.data


@pytest.mark.parametrize(
    "first", ["X-Détail: z\n", f"{'X' * 200}: z\n", "A line of text\n", "Content-Transfer-Encoding: base64\n"]
)
def test_what_else_stands_in_a_group_hides_no_recipient(first: str) -> None:
    told(STORE, submitted([USAGER, SECRETARIAT], DOCTOR))
    done = ingest(dsn(first + about(SECRETARIAT), first + about(USAGER), queue=queue_id()))
    assert (done.returncode, counts(done)["delivered"]) == (0, 2), kept_aside(Path())


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize(
    "first",
    [
        *("X-Détail: z\n", f"{'X' * 200}: z\n", "A line of text\n", ">From a@b.invalid Sat Oct 31 09:00:00 2026\n"),
        *("\n", "\n \n", " folded\n", "\x0b\n"),
    ],
)
def test_what_else_stands_in_headers_that_came_back_hides_no_submission(kind: str, first: str) -> None:
    told(STORE, submitted([USAGER, SECRETARIAT], DOCTOR))
    report = dsn(about(USAGER), decision=f"{DECISION}\nX-Détail: z\n more of it", returned=f"{kind}\n\n{first}---")
    assert counts(ingest(report.replace("---\n\n", "")))["delivered"] == 1, kept_aside(Path())


def test_a_text_in_a_message_that_came_back_names_no_submission() -> None:
    told(STORE, submitted([USAGER], DOCTOR))
    report = dsn(about(USAGER), received="by nobody", returned="message/rfc822")
    done = ingest(report.replace("Compte rendu", f"Compte rendu\n\nX-Huissier-Decision: {DECISION}"))
    assert counts(done)["kept_aside"] == {"UNREADABLE": 1}


def test_where_clocks_differ_a_report_is_still_about_the_submission_that_it_likeliest_names() -> None:
    earlier = write(SURGEON, USAGER, id=f"{GATEWAY}/{queue_id(2)}", at=moment("2026-10-31T08:00"), final_hop=False)
    told(STORE, earlier, submitted([USAGER], DOCTOR))
    done = ingest(dsn(about(USAGER, last=EARLIER), decision=DECISION, envelope=f"{GATEWAY}/{queue_id(2)}"))
    assert counts(done)["delivered"] == 1
    assert may_answer()


@pytest.mark.parametrize("digits", range(8, 16))
def test_no_part_of_an_ins_is_left_where_a_text_is_cut_before_its_filler_is_shrunk(digits: int) -> None:
    told(STORE, submitted([SURGEON], DOCTOR))
    filler = "-" * (LONGEST_LOOKED_AT - len(f"5.1.1 smtp; x {ins(1)} ") - digits)
    report = dsn(about(SURGEON, "failed", why=f"x {ins(1)} {filler}{ins(2)}"), queue=queue_id())
    assert counts(ingest(report))["undelivered"] == 1
    with huissier.open(STORE) as engine:
        (*_, last) = engine.recorder.read()
    assert b"5.1.1 smtp; x" in last.event.data
    assert ins(2)[:8].encode() not in last.event.data


@pytest.mark.parametrize("digits", range(8, 16))
@pytest.mark.parametrize("length", [LONGEST_LOOKED_AT, 400])
def test_no_part_of_an_ins_is_kept_aside_where_a_text_is_cut(length: int, digits: int) -> None:
    told(STORE, submitted([SURGEON], DOCTOR))
    filler = "-" * (length - len(f"Message-ID: {ins(1)} ") - digits)
    text = f"Message-ID: {ins(1)} {filler}{ins(2)}"
    with Aside(Path("huissier-aside.jsonl"), lambda _: "digest") as aside:
        aside.keep("-", Unreadable(place=1, error="x", text=text), "UNREADABLE")
    ingest(dsn(about(SURGEON, "lost")).replace("Reporting-MTA", f"{text}\nReporting-MTA"))
    first, second = kept_aside(Path()).splitlines()
    assert ("Message-ID" in first, SURGEON in second) == (True, True)
    assert ins(2)[:8] not in first + second

"""A log is followed across rotation and truncation, and read on from where it was left."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import msgspec
import pytest
from msgspec.structs import asdict

from huissier.adapters.ingest import following
from huissier.adapters.ingest.following import LogFile
from huissier.adapters.ingest.place import Place
from huissier.adapters.testing.hospital import DOCTOR, SURGEON, USAGER
from tests.command_line import PROGRAM, as_process, huissier
from tests.ingest.logs import GATEWAY, delivery, kept_aside, queue_id, submitted, told

_MOST_SECONDS = 20.0


class Follower:
    """Follows a log on a thread of its own; `seen` are the lines it was given."""

    def __init__(self, path: Path, place: Place | None = None) -> None:
        self.seen: list[bytes] = []
        self.lost = 0
        self._stop = Event()
        self.file = LogFile(path, self._stop, place=place, follow=True, tell_lost=self._count_lost)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _count_lost(self, _: str) -> None:
        self.lost += 1

    def _run(self) -> None:
        for lines in self.file.batches(whole_lines=True):
            self.seen += [line.content or b"" for line in lines]

    def wait_for(self, *lines: str) -> None:
        expected = [line.encode() for line in lines]
        deadline = time.monotonic() + _MOST_SECONDS
        while self.seen != expected:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.005)

    def stop(self) -> Place:
        self._stop.set()
        self._thread.join()
        return self.file.place


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., Follower]]:
    followers: list[Follower] = []

    def start(place: Place | None = None) -> Follower:
        followers.append(Follower(tmp_path / "mail.log", place))
        return followers[-1]

    yield start
    for follower in followers:
        follower.stop()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text("one\n")
    return path


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_lines_come_as_they_are_written_and_whole(log: Path, follow: Callable[..., Follower]) -> None:
    follower = follow()
    follower.wait_for("one")
    add(log, "tw")
    add(log, "o\nthree\n")
    follower.wait_for("one", "two", "three")


def test_a_file_that_was_renamed_is_read_to_its_end_first(log: Path, follow: Callable[..., Follower]) -> None:
    follower = follow()
    follower.wait_for("one")
    log.rename(log.with_name("mail.log.1"))
    log.touch()
    add(log.with_name("mail.log.1"), "two\n")  # the writer was not told yet
    follower.wait_for("one", "two")
    add(log, "three\n")
    follower.wait_for("one", "two", "three")


@pytest.mark.parametrize("after", ["2\n", "two, which is longer than what stood there before\n"])
def test_a_file_that_was_emptied_is_read_from_its_start(after: str, log: Path, follow: Callable[..., Follower]) -> None:
    follower = follow()
    follower.wait_for("one")
    log.write_text(after)
    follower.wait_for("one", after.rstrip())


def test_what_was_copied_before_it_was_read_is_read_in_the_copy(log: Path, follow: Callable[..., Follower]) -> None:
    first = follow()
    first.wait_for("one")
    place = first.stop()
    log.with_name("mail.log.1").write_text("one\ntwo\n")
    log.write_text("three\n")
    second = follow(place)
    second.wait_for("two", "three")
    assert not second.lost


def test_what_was_copied_while_it_is_followed_is_read_in_the_copy(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    file = LogFile(log, Event())
    batches = file.batches()
    assert [line.content for line in next(batches)] == [b"one"]
    log.with_name("mail.log.1").write_text("one\ntwo\n")
    log.write_text("3\n")
    assert [line.content for lines in batches for line in lines] == [b"two", b"3"]


def test_what_was_copied_and_compressed_while_it_is_followed_is_told(tmp_path: Path) -> None:
    log, told = tmp_path / "mail.log", Event()
    log.write_text("one\n")
    batches = LogFile(log, Event(), tell_lost=lambda _: told.set()).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    log.with_name("mail.log.1.gz").write_text("one and two, compressed")
    log.write_text("3\n")
    assert [line.content for lines in batches for line in lines] == [b"3"]
    assert told.is_set()


@pytest.mark.parametrize("second", [0, 2], ids=["before it", "behind it"])
def test_a_file_that_may_not_be_read_is_told_where_it_may_be_one_that_comes_next(
    second: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, opened, lost = tmp_path / "mail.log", following._opened, list[str]()

    def refused(path: Path) -> BinaryIO:
        if path.name == "mail.log.1":
            raise PermissionError(13, "Permission denied")
        return opened(path)

    monkeypatch.setattr(following, "_opened", refused)
    log.write_text("one\n")
    os.utime(log, (1, 1))
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    log.rename(log.with_name("mail.log.2"))
    log.with_name("mail.log.1").write_text("two\n")
    os.utime(log.with_name("mail.log.1"), (second, second))
    log.write_text("three\n")
    file = LogFile(log, Event(), place=first.place, tell_lost=lost.append)
    assert [line.content for lines in file.batches() for line in lines] == [b"three"]
    assert lost == ([f"{log}.1 cannot be read: Permission denied"] if second else [])


def test_of_many_rotated_files_the_newest_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huissier.adapters.ingest.place._MOST_OPEN", 3)
    log, opened, seen = tmp_path / "mail.log", following._opened, list[str]()

    def noted(path: Path) -> BinaryIO:
        seen.append(path.name)
        return opened(path)

    for number in range(3, 9):
        log.with_name(f"mail.log.{number}").write_text("long before\n")
        os.utime(log.with_name(f"mail.log.{number}"), (10 - number, 10 - number))
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    log.rename(log.with_name("mail.log.1"))
    log.write_text("two\n")
    monkeypatch.setattr(following, "_opened", noted)
    file = LogFile(log, Event(), place=first.place)
    assert [line.content for lines in file.batches() for line in lines] == [b"two"]
    assert sorted(seen) == ["mail.log", "mail.log.1", "mail.log.3", "mail.log.4"]


def test_nothing_is_passed_over_where_the_clock_was_set_back(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    log.rename(log.with_name("mail.log.2"))
    for seconds, name, text in ((1, "mail.log.2", ""), (2, "mail.log.1", "two\n"), (3, "mail.log", "three\n")):
        add(log.with_name(name), text)
        os.utime(log.with_name(name), (seconds, seconds))
    file = LogFile(log, Event(), place=first.place)
    assert [line.content for lines in file.batches() for line in lines] == [b"two", b"three"]


@pytest.mark.parametrize("is_left", [True, False], ids=["beside it", "gone"])
def test_what_was_renamed_twice_between_two_looks_is_read_in_order(
    is_left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_ROTATED_ONCE_SECONDS", -1.0)
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    os.utime(log, (1, 1))
    told = Event()
    batches = LogFile(log, Event(), follow=True, tell_lost=lambda _: told.set()).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    assert next(batches) == []  # and now it waits
    for name, text in (("mail.log.2", "two\n"), ("mail.log.1", "three\n"), ("mail.log", "four\n")):
        older = log.with_name(name)
        if name == "mail.log.2":
            add(log, text)
            log.rename(older)
        else:
            older.write_text(text)
        os.utime(older, (seconds := {"mail.log.2": 1, "mail.log.1": 2, "mail.log": 3}[name], seconds))
    log.with_name("mail.log.3").write_text("long before\n")
    os.utime(log.with_name("mail.log.3"), (0, 0))
    if not is_left:
        log.with_name("mail.log.2").unlink()
    read: list[bytes] = []
    while read[-1:] != [b"four"]:
        read += [line.content or b"" for line in next(batches)]
    assert read == [b"two", b"three", b"four"]
    assert told.is_set() is not is_left  # whoever took that one away may have taken others that came after it


def test_the_place_kept_beside_a_log_is_no_log(log: Path, follow: Callable[..., Follower]) -> None:
    first = follow()
    first.wait_for("one")
    place = first.stop()
    log.rename(log.with_name("mail.log.1"))
    os.utime(log.with_name("mail.log.1"), (1, 1))
    log.with_name("mail.log.huissier-place").write_text("no line of a log\n")
    log.write_text("two\n")
    follow(place).wait_for("two")


def test_reading_goes_on_where_it_was_left(log: Path, follow: Callable[..., Follower]) -> None:
    first = follow()
    add(log, "not yet a li")
    first.wait_for("one")
    place = first.stop()
    add(log, "ne\ntwo\n")
    follow(place).wait_for("not yet a line", "two")


def test_files_that_were_rotated_meanwhile_are_read_first(log: Path, follow: Callable[..., Follower]) -> None:
    os.utime(log, (1, 1))
    first = follow()
    first.wait_for("one")
    place = first.stop()
    add(log, "two\n")
    log.rename(log.with_name("mail.log.2"))
    log.with_name("mail.log.1").write_text("three\n")
    os.utime(log.with_name("mail.log.2"), (1, 1))
    os.utime(log.with_name("mail.log.1"), (2, 2))
    log.write_text("four\n")
    second = follow(place)
    second.wait_for("two", "three", "four")
    assert not second.lost


@pytest.mark.parametrize("was_read", [True, False], ids=["read to its end", "written to since"])
def test_a_file_that_is_gone_is_told_where_more_may_have_stood_in_it(
    was_read: bool, log: Path, follow: Callable[..., Follower]
) -> None:
    first = follow()
    first.wait_for("one")
    place = first.stop()
    if not was_read:
        add(log, "two\n")
    log.rename(log.with_name("mail.log.1.gz"))
    log.write_text("five\n")
    second = follow(place)
    second.wait_for("five")
    assert second.lost == (not was_read)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_follows_until_it_is_told_to_stop(number: signal.Signals, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    told(url, submitted([USAGER, SURGEON], DOCTOR))
    log, place = tmp_path / "mail.log", tmp_path / "mail.log.huissier-place"
    log.write_text(delivery(SURGEON))
    command = [str(PROGRAM), "ingest", "postfix-log", "mail.log", "--follow", "--gateway", GATEWAY, "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        _wait(lambda: place.exists() and json.loads(place.read_bytes())["place"]["lines"] == 1, process)
        add(log, delivery(USAGER))
        _wait(lambda: json.loads(place.read_bytes())["place"]["lines"] == 2, process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode == 0
    assert (json.loads(output)["delivered"], kept_aside(tmp_path)) == (2, "")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    add(log, delivery(USAGER, queue=queue_id(3)))
    again = huissier("ingest", "postfix-log", "mail.log", "--state", place.name, "--gateway", GATEWAY, cwd=tmp_path)
    assert again.returncode == 1
    assert again.stdout.startswith("1 read: 0 delivered")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pipe_that_was_not_read_to_its_end_is_told_so(number: signal.Signals, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    told(url, submitted([USAGER, SURGEON], DOCTOR))
    command = [str(PROGRAM), "ingest", "postfix-log", "-", "--gateway", GATEWAY, "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(delivery(SURGEON) + delivery("nobody@cabinet.mssante.fr") + delivery(USAGER)[:-2])
        process.stdin.flush()
        _wait((tmp_path / "huissier-aside.jsonl").exists, process)
        process.send_signal(number)
        output, error = process.communicate(timeout=_MOST_SECONDS)
    assert process.returncode == 128 + number
    assert "- was not read to its end: take it in again" in error
    assert (json.loads(output)["lines"], json.loads(output)["delivered"]) == (2, 1)


def test_a_fifo_is_refused_without_waiting_for_who_writes_to_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mail.log")
    done = as_process("ingest", "postfix-log", "mail.log", cwd=tmp_path)
    assert (done.returncode, "a pipe is read with -" in done.stderr) == (2, True)


def _wait(until: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not until():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_copied_while_older_files_were_read_is_read_in_the_copy(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    log.rename(tmp_path / "mail.log.1")
    (tmp_path / "mail.log.1").write_text("one\ntwo\n")
    log.write_text("three\n")
    batches = LogFile(log, Event(), place=first.place, tell_lost=lost.append).batches()
    assert [line.content for line in next(batches)] == [b"two"]
    (tmp_path / "mail.log.1").rename(tmp_path / "mail.log.2")
    (tmp_path / "mail.log.1").write_text("three\n")
    log.write_text("4\n")
    assert [line.content for lines in batches for line in lines] == [b"three", b"4"]
    assert not lost


def test_what_was_emptied_before_it_was_read_is_told(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("one\n")
    file = LogFile(log, Event(), tell_lost=lost.append)
    log.write_text("2\n")
    assert [line.content for lines in file.batches() for line in lines] == [b"2"]
    assert lost


@pytest.mark.parametrize("is_followed", [True, False], ids=["meanwhile", "between two runs"])
def test_an_empty_log_that_was_filled_copied_and_emptied_again_is_read_in_the_copy(
    is_followed: bool, tmp_path: Path
) -> None:
    log = tmp_path / "mail.log"
    log.write_text("")
    os.utime(log, (1, 1))
    log.with_name("mail.log.1").write_text("long before\n")
    os.utime(log.with_name("mail.log.1"), (0, 0))
    file = LogFile(log, Event(), follow=is_followed)
    batches = file.batches()
    assert next(batches) == []
    log.with_name("mail.log.1").rename(log.with_name("mail.log.2"))
    log.with_name("mail.log.1").write_text("one\n")
    log.write_text("two\n")
    if not is_followed:
        batches = LogFile(log, Event(), place=file.place).batches()
    read: list[bytes] = []
    while read[-1:] != [b"two"]:
        read += [line.content or b"" for line in next(batches)]
    assert read == [b"one", b"two"]


def test_files_that_were_compressed_while_nobody_looked_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_ROTATED_ONCE_SECONDS", -1.0)
    log, told = tmp_path / "mail.log", Event()
    log.write_text("one\n")
    batches = LogFile(log, Event(), follow=True, tell_lost=lambda _: told.set()).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    log.unlink()
    for number, second in ((4, 1), (3, 2)):
        older = log.with_name(f"mail.log.{number}.gz")
        older.write_bytes(b"compressed")
        os.utime(older, (second, second))
    log.with_name("mail.log.1").write_text("three\n")
    log.write_text("four\n")
    read: list[bytes] = []
    while read[-1:] != [b"four"]:
        read += [line.content or b"" for line in next(batches)]
    assert read == [b"three", b"four"]
    assert told.is_set()


def test_a_log_is_followed_each_night_without_a_word_where_it_is_compressed_at_once(tmp_path: Path) -> None:
    log, told = tmp_path / "mail.log", Event()
    log.write_text("one\n")
    os.utime(log, (1, 1))
    batches = LogFile(log, Event(), follow=True, tell_lost=lambda _: told.set()).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    log.with_name("mail.log.1.gz").write_bytes(b"compressed")
    os.utime(log.with_name("mail.log.1.gz"), (1, 1))
    log.unlink()
    log.write_text("two\n")
    read: list[bytes] = []
    while not read:
        read += [line.content or b"" for line in next(batches)]
    assert read == [b"two"]
    assert not told.is_set()


def test_a_log_whose_name_holds_what_a_shell_would_expand_is_followed_too(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail[mx1].log", list[str]()
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    add(log, "two\n")
    log.rename(log.with_name("mail[mx1].log.1"))
    log.write_text("three\n")
    file = LogFile(log, Event(), place=first.place, tell_lost=lost.append)
    assert [line.content for lines in file.batches() for line in lines] == [b"two", b"three"]
    assert not lost


def test_while_a_new_log_is_empty_the_one_before_it_is_read_once_though_it_is_still_written_to(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    os.utime(log, (1, 1))
    place, read = None, list[bytes]()

    def run() -> None:
        nonlocal place
        file = LogFile(log, Event(), place=place)
        read.extend(line.content or b"" for lines in file.batches(whole_lines=True) for line in lines)
        place = file.place

    run()
    log.rename(log.with_name("mail.log.1"))
    log.write_text("")
    os.utime(log, (2, 2))
    for text in ("two\n", "three\n", "", ""):
        add(log.with_name("mail.log.1"), text)
        run()
    add(log, "four\n")
    run()
    assert read == [b"one", b"two", b"three", b"four"]


def test_what_stood_in_a_log_that_is_gone_is_told_though_the_one_that_was_left_was_empty(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == []
    log.with_name("kept").write_text("")  # so that the next file is another one
    add(log, "one\n")
    log.rename(log.with_name("mail.log.1.gz"))
    log.write_text("two\n")
    file = LogFile(log, Event(), place=first.place, tell_lost=lost.append)
    assert [line.content for lines in file.batches() for line in lines] == [b"two"]
    assert (len(lost), file.goes_on) == (1, False)


def test_a_log_that_is_moved_away_each_night_is_followed_without_a_word(tmp_path: Path) -> None:
    log, told, away = tmp_path / "mail.log", Event(), tmp_path / "away"
    away.mkdir()
    log.write_text("0\n")
    batches = LogFile(log, Event(), follow=True, tell_lost=lambda _: told.set()).batches()
    read: list[bytes] = []
    for night in range(3):
        while read[-1:] != [b"%d" % night]:
            read += [line.content or b"" for line in next(batches)]
        log.rename(away / f"mail.log.{night}")
        log.write_text(f"{night + 1}\n")
    assert not told.is_set()


def test_half_a_first_line_is_no_place_to_go_on_from(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches(whole_lines=True) for line in lines] == [b"one"]
    add(log, "two\n")
    log.rename(log.with_name("mail.log.1"))
    log.write_text("thr")
    second = LogFile(log, Event(), place=first.place)
    assert [line.content for lines in second.batches(whole_lines=True) for line in lines] == [b"two"]
    add(log.with_name("mail.log.1"), "late\n")
    add(log, "ee\n")
    third = LogFile(log, Event(), place=second.place)
    assert [line.content for lines in third.batches(whole_lines=True) for line in lines] == [b"late", b"three"]


def test_a_quiet_log_whose_copy_is_compressed_is_followed_without_a_word(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("one\n")
    batches = LogFile(log, Event(), follow=True, tell_lost=lost.append).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    log.with_name("mail.log.1").write_text("one\n")
    log.write_text("")
    while next(batches) or next(batches):
        pass
    log.with_name("mail.log.1").rename(log.with_name("mail.log.2.gz"))  # as if compressed: the time stays
    add(log, "two\n")
    read: list[bytes] = []
    while read != [b"two"]:
        read += [line.content or b"" for line in next(batches)]
    assert not lost


def test_a_log_that_begins_with_a_very_long_line_is_read_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_bytes(b"\0" * 300_000)
    batches = LogFile(log, Event(), follow=True).batches()
    read: list[bytes | None] = []
    for number in range(20):
        add(log, f"\n{number}")
        read += [line.content for line in next(batches)]
    add(log, "\n")
    while read[-1:] != [b"19"]:
        read += [line.content for line in next(batches)]
    assert read[1:] == [b"%d" % number for number in range(20)]


def test_an_empty_log_that_is_renamed_and_then_written_to_is_read(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("")
    batches = LogFile(log, Event(), follow=True).batches()
    assert next(batches) == []
    log.rename(log.with_name("mail.log.1"))
    add(log.with_name("mail.log.1"), "one\n")
    assert [line.content for line in next(batches)] == [b"one"]
    log.write_text("two\n")
    read: list[bytes] = []
    while read != [b"two"]:
        read += [line.content or b"" for line in next(batches)]


def test_a_log_of_which_a_part_was_read_is_told_where_it_is_compressed(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("a line\n" * 20_000)
    first = LogFile(log, Event())
    next(first.batches())
    log.rename(log.with_name("mail.log.1.gz"))  # as if compressed: the time stays
    log.write_text("two\n")
    file = LogFile(log, Event(), place=first.place, tell_lost=lost.append)
    assert [line.content for lines in file.batches() for line in lines] == [b"two"]
    assert lost == [f"the file in which reading {log} stopped is gone"]


def test_a_place_of_an_older_version_is_gone_on_from_without_a_word(tmp_path: Path) -> None:
    log, lost = tmp_path / "mail.log", list[str]()
    log.write_text("one\n")
    first = LogFile(log, Event())
    assert [line.content for lines in first.batches() for line in lines] == [b"one"]
    older = {key: value for key, value in asdict(first.place).items() if key not in {"size", "has_line"}}
    log.rename(log.with_name("mail.log.1.gz"))
    log.write_text("two\n")
    file = LogFile(log, Event(), place=msgspec.convert(older, Place), tell_lost=lost.append)
    assert [line.content for lines in file.batches() for line in lines] == [b"two"]
    assert not lost


def test_a_new_log_that_is_written_to_before_it_is_read_is_the_same(tmp_path: Path) -> None:
    log, away, lost = tmp_path / "mail.log", tmp_path / "away", list[str]()
    away.mkdir()
    log.write_text("one\n")
    batches = LogFile(log, Event(), follow=True, tell_lost=lost.append).batches()
    assert [line.content for line in next(batches)] == [b"one"]
    assert next(batches) == []  # and now it waits
    add(log, "two\n")
    log.rename(away / "mail.log.1")
    log.write_text("three\n")
    os.utime(log, (1, 1))
    assert [line.content for line in next(batches)] == [b"two"]
    add(log, "four\n")
    read: list[bytes] = []
    while read != [b"three", b"four"]:
        read += [line.content or b"" for line in next(batches)]
    assert not lost

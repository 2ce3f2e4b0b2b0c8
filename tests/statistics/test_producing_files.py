"""The exchanges file: whole or not at all, in the log, and the same bytes for ever once its month is over."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import TemporarilyUnavailableError
from huissier.adapters.log.place import Place
from huissier.adapters.private_file import private_file
from huissier.adapters.statistics.layout import shipped_layout
from huissier.adapters.statistics.production import Production
from huissier.adapters.testing.hospital import (
    DOCTOR,
    HOSPITAL,
    NOBODY,
    PATIENTS,
    REMOTE_DOCTOR,
    USAGER,
    moment,
    reach,
    received,
    world,
    write,
)
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import AdmitDomain, WithdrawDomain
from huissier.projections.exchanges import Exchanges
from tests.command_line import huissier
from tests.statistics.told import NAME, produce, produced, tell

AT = moment("2025-10-12T09:00")
HEADER = "mois;domaine;emetteur;destinataire;type_emetteur;type_destinataire;acceptes;refuses;remis;non_remis\n"


def test_a_file_has_a_line_a_pair_and_is_in_the_log(tmp_path: Path) -> None:
    tell(
        tmp_path,
        write(DOCTOR, REMOTE_DOCTOR, id="a", at=AT),
        received("a", REMOTE_DOCTOR, AT),
        reach(DOCTOR, USAGER, NOBODY, at=AT),
    )
    done = produce(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    content = (tmp_path / NAME).read_bytes()
    assert content.decode() == (
        f"{HEADER}"
        f"202510;{HOSPITAL};{DOCTOR};{NOBODY};PER;EXTERNE;0;1;0;0\n"
        f"202510;{HOSPITAL};{DOCTOR};{REMOTE_DOCTOR};PER;EXTERNE;1;0;1;0\n"
        f"202510;{HOSPITAL};{DOCTOR};usager;PER;USAGER;1;0;1;0\n"
    )
    (fact,) = produced(tmp_path)
    assert (fact.name, fact.rows, fact.sha256) == (NAME, 3, sha256(content).hexdigest())
    assert (fact.month, fact.domain, fact.layout, fact.final) == (202510, HOSPITAL, "provisional-1", True)
    assert fact.sha256 in done.stdout


def test_every_domain_held_here_has_a_file_also_without_mail(tmp_path: Path) -> None:
    tell(tmp_path)
    (tmp_path / "out").mkdir()
    done = huissier("stats", "exchanges", "--month", "2025-10", "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0
    names = [f"202510_EchangesMSSante_{domain}.csv" for domain in (HOSPITAL, PATIENTS)]
    assert sorted(os.listdir(tmp_path / "out")) == names
    assert [(tmp_path / "out" / name).read_text() for name in names] == [HEADER, HEADER]
    assert done.stdout.count('"type":"statistics-produced.v1"') == 2


def test_a_withdrawn_domain_has_a_file_with_what_was_refused_until_it_is_hosted_elsewhere(tmp_path: Path) -> None:
    tell(
        tmp_path,
        WithdrawDomain(at=moment("2025-08-01"), domain=HOSPITAL),
        write(DOCTOR, REMOTE_DOCTOR, at=AT),
        AdmitDomain(at=moment("2025-11-02"), domain=HOSPITAL, hosted=False),
    )
    assert produce(tmp_path).returncode == 0
    assert (tmp_path / NAME).read_text().splitlines()[1:] == [
        f"202510;{HOSPITAL};{DOCTOR};{REMOTE_DOCTOR};PER;EXTERNE;0;1;0;0"
    ]
    assert produce(tmp_path, month="2025-11").returncode == 0
    assert produce(tmp_path, month="2025-12").returncode == 1


def test_a_month_that_was_over_gives_the_same_bytes_whatever_comes_late(tmp_path: Path) -> None:
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, id="a", at=AT))
    assert produce(tmp_path).returncode == 0
    first = (tmp_path / NAME).read_bytes()
    tell(tmp_path, received("a", REMOTE_DOCTOR, AT), write(DOCTOR, NOBODY, at=AT))
    (tmp_path / NAME).unlink()
    assert produce(tmp_path).returncode == 0
    assert (tmp_path / NAME).read_bytes() == first
    assert produce(tmp_path, "--anew").returncode == 0
    anew = (tmp_path / NAME).read_bytes()
    assert anew.count(b"\n") == 3
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=AT))
    assert produce(tmp_path).returncode == 0
    assert (tmp_path / NAME).read_bytes() == anew
    assert [fact.rows for fact in produced(tmp_path)] == [1, 1, 2, 2]
    assert huissier("projections", "rebuild", "exchanges", cwd=tmp_path).returncode == 0
    assert produce(tmp_path).returncode == 0
    assert (tmp_path / NAME).read_bytes() == anew


def test_of_two_who_produce_a_month_at_once_the_first_says_as_of_when(tmp_path: Path) -> None:
    now, layout = moment("2025-11-02"), shipped_layout()
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:
        engine.handle_many([*world(), write(DOCTOR, REMOTE_DOCTOR, at=AT)])
        early = Production(engine, Runner(engine.log, database, Exchanges))
        engine.handle(write(DOCTOR, NOBODY, at=AT))
        late = Production(engine, Runner(engine.log, database, Exchanges))
        facts = [one.produce(202510, HOSPITAL, tmp_path, layout, now) for one in (late, early)]
    assert [(fact.position, fact.rows) for fact in facts] == [(facts[0].position, 2)] * 2
    assert facts[0].sha256 == facts[1].sha256


def test_a_clock_that_was_ahead_closes_no_month_that_is_not_over(tmp_path: Path) -> None:
    layout = shipped_layout()
    with Engine("sqlite://") as engine, ViewsDatabase(Place("sqlite://")) as database:

        def at(now: str) -> tuple[int, bool, int]:
            production = Production(engine, Runner(engine.log, database, Exchanges))
            fact = production.produce(202510, HOSPITAL, tmp_path, layout, moment(now))
            return fact.rows, fact.final, production.came_since(fact)

        engine.handle_many([*world(), write(DOCTOR, REMOTE_DOCTOR, at=AT)])
        assert at("2026-01-01") == (1, True, 0)
        engine.handle_many(write(DOCTOR, f"x{number}@cabinet.mssante.fr", at=AT) for number in range(3))
        assert at("2025-10-28") == (4, False, 0)
        assert at("2025-11-02") == (1, True, 3)


def test_what_came_late_is_told_and_counted_anew(tmp_path: Path) -> None:
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=AT))
    assert produce(tmp_path).stderr == ""
    tell(tmp_path, write(DOCTOR, NOBODY, REMOTE_DOCTOR, at=AT), write(DOCTOR, NOBODY, at=moment("2025-11-12")))
    assert produce(tmp_path).stderr == f"huissier: {NAME}: 2 verdicts came since; --anew counts them\n"
    assert produce(tmp_path, "--anew").stderr == ""
    assert produce(tmp_path).stderr == ""


def test_a_month_that_is_not_over_is_counted_every_time(tmp_path: Path) -> None:
    name = tmp_path / f"299901_EchangesMSSante_{HOSPITAL}.csv"
    at = moment("2999-01-05")
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=at))
    done = produce(tmp_path, month="2999-01")
    assert "not over yet" in done.stdout
    first = name.read_bytes()
    tell(tmp_path, write(DOCTOR, NOBODY, at=at))
    assert produce(tmp_path, month="2999-01").returncode == 0
    assert name.read_bytes() != first
    assert [fact.final for fact in produced(tmp_path)] == [False, False]


def test_both_databases_give_the_same_bytes(
    tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [
        *world(),
        write(DOCTOR, "a-b@cabinet.mssante.fr", "a.b@cabinet.mssante.fr", "a_b@cabinet.mssante.fr", at=AT),
        write(DOCTOR, "ab@cabinet.mssante.fr", "~b@cabinet.mssante.fr", "1b@cabinet.mssante.fr", at=AT),
    ]
    key = "A" * 43 + "="
    monkeypatch.setenv("HUISSIER_VAULT_KEY", key)
    files = []
    for url in (f"sqlite:///{tmp_path}/one.db", new_database()):
        with Engine(url) as engine:
            engine.handle_many(told)
        done = huissier(
            *("stats", "exchanges", "--month", "2025-10", "--domain", HOSPITAL, "--store", url),
            cwd=tmp_path,
            env={"HUISSIER_VAULT_KEY": key},
        )
        assert (done.returncode, done.stderr) == (0, "")
        files.append((tmp_path / NAME).read_bytes())
    assert files[0] == files[1]
    assert files[0].count(b"\n") == 7


# --- what could go wrong


def test_a_file_is_readable_by_its_owner_only_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    tell(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    assert produce(tmp_path, "--out", "out").returncode == 0
    assert os.listdir(out) == [NAME]
    assert stat.S_IMODE((out / NAME).stat().st_mode) == 0o600


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    tell(tmp_path)
    os.mkfifo(tmp_path / "page.html")
    (tmp_path / "link.html").symlink_to("page.html")
    for name in ("page.html", "link.html"):
        done = huissier("stats", "summary", "--html", name, cwd=tmp_path)
        assert done.returncode == 3
        assert done.stderr == f"huissier: {name} cannot be written: it is not a file that can be replaced\n"
    assert (tmp_path / "page.html").is_fifo()
    assert (tmp_path / "link.html").is_symlink()


def test_a_full_disk_leaves_the_file_that_was_there_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=AT))
    out = tmp_path / "out"
    out.mkdir()
    (out / NAME).write_text("what was there")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huissier.adapters.private_file.os.fsync", full)
    done = produce(tmp_path, "--out", "out")
    assert done.returncode == 3
    assert done.stderr == f"huissier: out/{NAME} cannot be written: No space left on device\n"
    assert {path.name: path.read_text() for path in out.iterdir()} == {NAME: "what was there"}
    monkeypatch.undo()
    assert produced(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_no_half_file(tmp_path: Path, number: signal.Signals) -> None:
    program = f"""
import os, pathlib
from huissier.adapters.statistics.exchanges_file import exchanges_file
from huissier.adapters.statistics.layout import shipped_layout
from huissier.projections.exchanges import Exchange

def endless():
    while True:
        yield Exchange("{DOCTOR}", "{REMOTE_DOCTOR}", "PER", "EXTERNE", 1, 0, 0, 0)
        if any(path.stat().st_size for path in pathlib.Path().iterdir()):
            os.kill(os.getpid(), {number})

with exchanges_file(pathlib.Path(), 202510, "{HOSPITAL}", shipped_layout(), endless()):
    pass
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (128 + number, b"")
    assert list(tmp_path.iterdir()) == []


def test_whoever_sees_to_signals_goes_on_doing_so(tmp_path: Path) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with private_file(tmp_path / "file") as file:
            os.kill(os.getpid(), signal.SIGTERM)
            file.write(b"all of it")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert (tmp_path / "file").read_bytes() == b"all of it"


def test_a_file_that_cannot_be_recorded_does_not_get_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(tmp_path)
    out = tmp_path / "out"
    out.mkdir()

    def busy(*_: object, **__: object) -> None:
        raise TemporarilyUnavailableError("somebody else has it")

    monkeypatch.setattr(Engine, "record", busy)
    assert produce(tmp_path, "--out", "out").returncode == 3
    assert list(out.iterdir()) == []


def test_a_folder_that_is_none_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    tell(tmp_path)
    for out in ("nowhere", "huissier.db"):
        done = produce(tmp_path, "--out", out)
        assert (done.returncode, done.stderr) == (2, f"huissier: --out: {out} is not a folder\n")
    assert produced(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        ("stats", "exchanges", "--month", "2025-10", "--out"),
        ("stats", "summary", "--html"),
        ("directory", "export", "--out"),
        ("audit", "report", "--out"),
    ],
)
def test_a_name_that_is_too_long_is_told_with_the_path(tmp_path: Path, command: tuple[str, ...]) -> None:
    tell(tmp_path)
    before = sorted(tmp_path.iterdir())
    name = "x" * 300
    done = huissier(*command, name, cwd=tmp_path)
    assert done.returncode == (
        2 if "exchanges" in command or "directory" in command else 3
    )  # a folder is looked for first
    assert name in done.stderr
    assert done.stderr.endswith(": File name too long\n")
    assert done.stderr.count("\n") == 1
    assert [path for path in sorted(tmp_path.iterdir()) if path.suffix != ".views"] == before


@pytest.mark.parametrize("month", ["2025-13", "202510", "October"])
def test_what_is_no_month_is_refused(tmp_path: Path, month: str) -> None:
    done = produce(tmp_path, month=month)
    assert (done.returncode, done.stderr) == (2, "huissier: --month: not a month such as 2026-10\n")


def test_a_domain_that_was_not_held_here_has_no_file(tmp_path: Path) -> None:
    tell(tmp_path)
    done = huissier("stats", "exchanges", "--month", "2025-10", "--domain", "cabinet.mssante.fr", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "huissier: cabinet.mssante.fr was not held here in 2025-10\n"
    done = huissier("stats", "exchanges", "--month", "2013-10", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "huissier: no domain was held here in 2013-10\n")


@pytest.mark.parametrize("command", [("exchanges", "--month", "2025-10"), ("summary",)])
def test_a_domain_is_read_as_the_rules_read_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=AT))
    done = huissier("stats", *command, "--domain", f"{HOSPITAL.upper()}.", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert HOSPITAL in done.stdout
    for text, problem in (("é.fr", "a domain is written in ASCII"), ("here", "not a domain name")):
        done = huissier("stats", *command, "--domain", text, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"huissier: --domain: {problem}")


def test_without_a_store_nothing_is_written(tmp_path: Path) -> None:
    assert produce(tmp_path).returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_domain_whose_file_cannot_have_its_name_keeps_no_other_from_its_own(tmp_path: Path) -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 36])
    too_long = f"{longest}d"
    tell(tmp_path)
    tell(tmp_path, *(AdmitDomain(domain=name, hosted=True, at=moment("2020-01-01")) for name in (too_long, longest)))
    tell(tmp_path, write(DOCTOR, REMOTE_DOCTOR, at=AT))
    done = huissier("stats", "exchanges", "--month", "2025-10", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), "File name too long" in done.stderr) == (3, 1, True)
    assert {path.name for path in tmp_path.glob("*.csv")} >= {f"202510_EchangesMSSante_{longest}.csv", NAME}

"""After an erasure no byte anywhere says who it was, and everything that was signed, decided or counted stays."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.testing import hospital as w
from huissier.adapters.vault import Vault, load_key
from huissier.domain.vocabulary.ins import Ins
from tests.erasure.lived import ENV, HOLDS_INS, WHO, House
from tests.erasure.spellings import all_files, files_that_hold, pattern_of, spellings
from tests.log.by_hand import ByHand

ERASE = json.dumps({"type": "erase-usager", "ins": w.ins(WHO)})


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """A house in which somebody lived, with everything that was signed of it before."""
    folder = tmp_path / "house"
    url = f"sqlite:///{folder}/huissier.db" if request.param == "sqlite" else request.getfixturevalue("new_database")()
    house = House(folder, url, tmp_path / "outside")
    house.live()
    (folder / "log.vkey").write_text(house.run("audit", "key", "--name", "log.example").stdout)
    (folder / "before.txt").write_text(house.run("audit", "checkpoint").stdout)
    house.run("audit", "prove", "-", "--out", "answer.proof", stdin=HOLDS_INS)
    house.run("audit", "export", "--to", "archive-before")
    house.run("audit", "export", "--to", "archive")
    house.run("audit", "import", "--from", "archive", "--store", "sqlite:///copy.db")
    return house


def written() -> Iterator[tuple[str, str]]:
    """Yield spellings and encodings, as far as one can be written in the other."""
    for spelling in spellings(w.ins(WHO)):
        for encoding in ("utf-8", "utf-16", "latin-1"):
            if encoding != "latin-1" or all(ord(one) < 256 for one in spelling):
                yield spelling, encoding


@pytest.mark.parametrize(("spelling", "encoding"), list(written()))
def test_the_search_finds_every_spelling(spelling: str, encoding: str, tmp_path: Path) -> None:
    """Else the tests below would find nothing."""
    (tmp_path / "file").write_bytes(b"\x00\xff12" + f" {spelling}!".encode(encoding))
    (tmp_path / "other").write_bytes(f" {w.ins(WHO + 1)}! {w.ins(WHO)[:12]}".encode())
    found = list(files_that_hold([pattern_of(w.ins(WHO))], all_files(tmp_path)))
    assert found == [str(tmp_path / "file")]


def test_an_erasure_leaves_no_byte_and_everything_else(house: House) -> None:
    row = vault_row(house)
    before = what_is_known(house)
    house.run("apply", "-", stdin=ERASE)
    house.look_again()
    assert what_is_known(house) == before
    for arguments in (["verify", "--key", "log.vkey", "--checkpoint", "before.txt"], ["replay"]):
        house.run("audit", *arguments, "--archive", "archive")
    assert vault_row(house) is None
    assert row is not None
    ins, sealed = pattern_of(w.ins(WHO)), [re.compile(re.escape(one)) for one in row]
    assert list(files_that_hold([ins, *sealed], all_files(house.folder))) == []
    if not house.url.startswith("sqlite"):
        files, own_log = files_of_server(house.url)
        assert list(files_that_hold([ins, *sealed], files)) == []
        assert list(files_that_hold([ins], own_log)) == []


def what_is_known(house: House) -> dict[str, object]:
    """Return what may not change: what was signed holds, every verdict is decided the same, and counts are the same."""
    verified = [
        house.run("audit", "verify", "--key", "log.vkey", "--json", *what).stdout.splitlines()
        for what in (
            ("--checkpoint", "before.txt", "--proof", "answer.proof"),
            ("--checkpoint", "before.txt", "--archive", "archive-before"),
        )
    ]
    store = json.loads(
        house.run(
            "audit", "verify", "--key", "log.vkey", "--checkpoint", "before.txt", "--store", house.url, "--json"
        ).stdout.splitlines()[-1]
    )
    replayed = json.loads(house.run("audit", "replay", "--json").stdout)
    return {
        "evidence": verified,
        "signed": store["signed"],
        "problems": store["problems"],
        "verdicts": replayed["verdicts"],
        "differences": replayed["differences"],
        "of the archive": house.run("audit", "replay", "--archive", "archive-before", "--json").stdout,
        "decisions": house.run("audit", "trail", "--kind", "message-decided", "--json").stdout,
        "statistics": house.run("stats", "summary", "--json").stdout,
        "files": sorted((path.name, path.read_bytes()) for path in house.folder.glob("*_EchangesMSSante_*.csv")),
    }


def vault_row(house: House) -> tuple[bytes, bytes] | None:
    """Return what the vault keeps of them: the digest they are found by and the sealed INS."""
    with Engine(house.url, environment=ENV) as engine, engine.log.reading() as look:
        usager = Vault(load_key(engine.place, ENV)).usager_id(look.session, Ins.parse(w.ins(WHO)))
    if usager is None:
        return None
    ((digest, sealed),) = ByHand(house.url).run("SELECT digest, sealed FROM vault WHERE usager = ?", usager)
    return bytes(digest), bytes(sealed)


def files_of_server(url: str) -> tuple[list[Path], list[Path]]:
    """Return the files of a database in which nothing waits to be cleared away, and those of its server's own log."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as server:
        for statement in ("VACUUM FULL vault", "VACUUM", "CHECKPOINT"):
            server.execute(statement.encode())
        (folder,) = server.execute("SHOW data_directory").fetchone() or ("",)
        (number,) = server.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone() or (0,)
    data = Path(folder)
    if not data.is_dir():
        pytest.skip("the server's files are not on this machine")
    others = [path for path in data.rglob("*") if path.is_file() and "base" not in path.relative_to(data).parts[:1]]
    own_log = [path for path in others if path.relative_to(data).parts[0] == "pg_wal"]
    return [*all_files(data / "base" / str(number)), *(path for path in others if path not in own_log)], own_log


@contextmanager
def entered(outside: Path) -> Iterator[tuple[House, Engine, list[re.Pattern[bytes]]]]:
    """Yield a house on SQLite, open, whose vault has somebody in it, and what the vault keeps of them."""
    folder = outside / "house"
    house = House(folder, f"sqlite:///{folder}/huissier.db", outside / "outside")
    with Engine(house.url, environment=ENV) as engine:
        engine.handle_many([*w.world(), w.write(w.DOCTOR, w.usager(WHO), id="before")])
        row = vault_row(house)
        assert row is not None
        yield house, engine, [re.compile(re.escape(one)) for one in row]


def test_a_reader_of_an_older_state_delays_it_and_no_more(tmp_path: Path) -> None:
    """On SQLite what is overwritten stays in the write-ahead log while somebody reads what was before it."""
    with entered(tmp_path) as (house, engine, sealed):
        with engine.log.reading() as look:
            assert look.head
            house.run("apply", "-", stdin=ERASE)
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="afterwards"))
        assert list(files_that_hold(sealed, all_files(house.folder))) == []


KILLED = """
import os, sys
import huissier
from huissier.adapters.log.store import Store
Store.forget_deleted = lambda _: os._exit(9)
huissier.open(sys.argv[1]).handle(huissier.EraseUsager(ins=sys.argv[2]))
"""


@pytest.mark.parametrize("memory", [0, 200_000], ids="memory {}".format)
@pytest.mark.parametrize("has_decided", [True, False], ids=["that has decided", "that has not"])
def test_whoever_goes_on_drops_what_somebody_left_who_died(memory: int, has_decided: bool, tmp_path: Path) -> None:
    with entered(tmp_path) as (house, _, sealed), Engine(house.url, environment=ENV, memory=memory) as other:
        if has_decided:
            other.handle(w.write(w.DOCTOR, w.SURGEON, id="before that"))
        erase = [sys.executable, "-c", KILLED, house.url, w.ins(WHO)]
        assert subprocess.run(erase, env={**os.environ, **ENV}, check=False).returncode == 9
        assert list(files_that_hold(sealed, all_files(house.folder))) != []
        other.handle(w.write(w.DOCTOR, w.SURGEON, id="afterwards"))
        assert list(files_that_hold(sealed, all_files(house.folder))) == []


def test_who_erased_may_die_before_it_is_dropped_and_all_others_be_replaced(tmp_path: Path) -> None:
    with entered(tmp_path) as (house, engine, sealed):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, house.url, w.ins(WHO)], env={**os.environ, **ENV}, check=False
        )
        assert done.returncode == 9
        before = list(all_files(house.folder))
        kept = {path: path.read_bytes() for path in before if path.name.startswith("huissier.db")}
    for path, content in kept.items():  # as all of them were killed at once
        path.write_bytes(content)
    assert list(files_that_hold(sealed, all_files(house.folder))) != []
    with Engine(house.url, environment=ENV) as engine:
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="afterwards"))
        assert list(files_that_hold(sealed, all_files(house.folder))) == []
        assert ByHand(house.url).run("SELECT count(*) FROM settings WHERE name = 'deleted'") == [(0,)]

"""What docs/audit.md shows of replays and reports is what happens, in the order of the page."""

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import huissier as library
from huissier.adapters.testing import hospital as w
from tests.command_line import huissier
from tests.pages import agrees, steps

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
SECTIONS = ("audit replay", "audit as-of", "audit what-if", "audit report")


def steps_of_sections() -> Iterator[tuple[str, str]]:
    """Yield each command of the sections and what is shown below it."""
    for section in PAGE.split("\n## ")[1:]:
        if section.startswith(tuple(f"`huissier {name}" for name in SECTIONS)):
            yield from steps(section)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store, and a copy in which somebody made an acceptance of a refusal."""
    with library.open(f"sqlite:///{tmp_path}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="m-1"))
        engine.handle(w.write(w.DOCTOR, w.USAGER, id="m-2", size=2_000_000))
        engine.handle(w.received("m-2", w.USAGER))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="m-3"))
    (tmp_path / "usager.txt").write_text(w.ins(1))
    (tmp_path / "copy.db").write_bytes((tmp_path / "huissier.db").read_bytes())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as database, database:
        database.execute(
            "UPDATE events SET data = CAST(replace(data, ?, ?) AS BLOB) WHERE position = 15",
            ('"accepted":false', '"accepted":true'),
        )
    return tmp_path


def test_every_transcript_of_the_sections_is_what_happens(folder: Path) -> None:
    seen = 0
    for command, shown in steps_of_sections():
        program, *arguments = shlex.split(command)
        if program == "cat":
            (folder / arguments[0]).write_text(shown)
        else:
            assert agrees(shown.rstrip(), huissier(*arguments, cwd=folder).stdout.rstrip()), command
        seen += 1
    assert seen >= 7

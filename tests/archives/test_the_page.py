"""What docs/archives.md shows is what happens, in the order of the page; its queries run in DuckDB."""

import contextlib
import re
from pathlib import Path

import duckdb
import pytest

import huissier as library
from huissier import EraseUsager
from huissier.adapters.testing import hospital as w
from tests.pages import agrees, run

PAGE = (Path(__file__).parents[2] / "docs" / "archives.md").read_text("utf-8")
BLOCKS = re.findall(r"```(console|sql)\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with library.open(f"sqlite:///{tmp_path}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many([*w.world(), w.write(w.DOCTOR, w.USAGER, id="m-1"), w.received("m-1", w.USAGER)])
        engine.handle_many([w.write(w.USAGER, w.DOCTOR, id="m-2"), w.write(w.OTHER_USAGER, w.DOCTOR, id="m-3")])
        engine.handle(EraseUsager(ins=w.ins(2)))
    return tmp_path


def asked(query: str, folder: Path) -> str:
    with contextlib.chdir(folder), duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(query).fetchall()
    return "\n".join("  ".join(map(str, row)) for row in rows)


def test_every_transcript_and_query_of_the_page_is_what_happens(folder: Path) -> None:
    seen = {"console": 0, "sql": 0}
    for kind, block, answer in BLOCKS:
        if kind == "sql":
            assert agrees(answer.rstrip(), asked(block, folder)), block
            seen[kind] += 1
            continue
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            assert agrees(shown.rstrip(), run(command, folder).rstrip()), command
            seen[kind] += 1
    assert seen == {"console": 5, "sql": 2}


def test_the_files_are_those_of_the_page(folder: Path) -> None:
    shown = re.findall(r"^(archive/\S+)  ", PAGE, re.MULTILINE)
    run("huissier audit export --to archive", folder)
    assert sorted(shown) == sorted(
        str(path.relative_to(folder)) for path in (folder / "archive").rglob("*") if path.is_file()
    )

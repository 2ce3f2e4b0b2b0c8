"""What the pages for integrators and auditors show is what happens, from top to bottom."""

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

import huissier as library
from huissier.adapters.testing import hospital as w
from tests.command_line import huissier
from tests.pages import agrees, run, steps

DOCS = Path(__file__).parents[2] / "docs"


def test_the_program_of_the_page_on_embedding_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "embed.md").read_text("utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    printed = io.StringIO()
    monkeypatch.delenv("HUISSIER_VAULT_KEY", raising=False)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        exec(compile(program, "embed.md", "exec"), {})  # noqa: S102 our own page
    assert printed.getvalue() == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["huissier.db", "huissier.db.key"]


@pytest.fixture
def handed_over(tmp_path: Path) -> Path:
    """Make a folder with what the page asks the owner for, and nothing else."""
    owner = tmp_path / "owner"
    owner.mkdir()
    with library.open(f"sqlite:///{owner}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="m-1"))
        engine.handle(w.write(w.DOCTOR, w.USAGER, id="m-2"))
        engine.handle(w.received("m-2", w.USAGER))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="m-3"))
    auditor = tmp_path / "auditor"
    auditor.mkdir()
    (auditor / "journal.vkey").write_text(
        huissier("audit", "key", "--name", "mss.ch-exemple.fr/journal", cwd=owner).stdout
    )
    (auditor / "monday.txt").write_text(huissier("audit", "checkpoint", cwd=owner).stdout)
    shutil.copy(owner / "huissier.db", auditor / "copy.db")
    return auditor


def test_every_transcript_of_the_page_on_auditing_is_what_happens(handed_over: Path) -> None:
    before = (handed_over / "copy.db").read_bytes()
    seen = 0
    for command, shown in steps((DOCS / "auditing.md").read_text("utf-8")):
        assert agrees(shown.rstrip(), run(command, handed_over).rstrip()), command
        seen += 1
    assert seen == 6
    assert (handed_over / "copy.db").read_bytes() == before
    left = {path.name for path in handed_over.iterdir()}
    assert left == {"copy.db", "journal.vkey", "m-2.html", "monday.txt", "rules.toml"}

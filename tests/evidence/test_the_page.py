"""What docs/evidence.md shows is what happens, in the order of the page."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import huissier as library
from huissier.adapters.testing.hospital import DOCTOR, NOW, SURGEON, world, write
from tests.pages import agrees, run, steps

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")


def test_every_transcript_of_the_page_is_what_happens(tmp_path: Path) -> None:
    with library.open(f"sqlite:///{tmp_path}/huissier.db", clock=lambda: NOW) as engine:
        engine.handle_many([*world(), write(DOCTOR, SURGEON, id="m-1", at=NOW)])
    seen = 0
    for command, shown in steps(PAGE):
        assert agrees(shown, run(command, tmp_path).rstrip()), command
        seen += 1
    assert seen > 10


def test_the_program_of_the_page_prints_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    printed = io.StringIO()
    monkeypatch.delenv("HUISSIER_VAULT_KEY", raising=False)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        exec(compile(program, "evidence.md", "exec"), {})  # noqa: S102 our own page
    assert printed.getvalue() == re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[-1]

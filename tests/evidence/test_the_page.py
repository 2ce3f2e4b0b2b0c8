"""What docs/evidence.md shows is what happens, in the order of the page."""

from pathlib import Path

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

"""The index of decisions lists every record, and every record has the shape a reader expects."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
STATUS = re.compile(r"proposed|accepted|rejected|deprecated|superseded by [0-9]+")


def rows() -> list[tuple[str, ...]]:
    """Return number, title, file and status of each line of the index."""
    index = (FOLDER / "README.md").read_text("utf-8")
    return re.findall(r"^\| ([0-9]+) \| \[(.+)\]\((.+)\) \| (.+) \|$", index, re.MULTILINE)


def title_of(record: Path) -> str:
    return record.read_text("utf-8").partition("\n")[0]


def status_of(record: Path) -> str:
    found = re.search(r"^- Status: (.+)$", record.read_text("utf-8"), re.MULTILINE)
    return "" if found is None else found[1]


def test_the_index_lists_every_record_with_its_number_title_and_status() -> None:
    assert rows() == [
        (str(number), title_of(record).removeprefix(f"# {number}. "), record.name, status_of(record))
        for number, record in enumerate(RECORDS, 1)
    ]


def test_there_is_nothing_else_in_the_folder() -> None:
    assert sorted(FOLDER.iterdir()) == sorted([*RECORDS, FOLDER / "README.md"])


def test_records_are_numbered_without_gaps() -> None:
    assert [record.name[:5] for record in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name[:4])
def test_a_record_has_number_status_date_sections_and_a_readable_length(record: Path) -> None:
    text = record.read_text("utf-8")
    assert title_of(record).startswith(f"# {int(record.name[:4])}. ")
    assert STATUS.fullmatch(status_of(record))
    assert re.search(r"^- Date: [0-9]{4}-[0-9]{2}-[0-9]{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert re.search(r"^- Good, because ", text, re.MULTILINE)
    assert re.search(r"^- Bad, because ", text, re.MULTILINE)
    assert 25 <= len(text.splitlines()) <= 130


@pytest.mark.parametrize("page", sorted(FOLDER.parent.rglob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []

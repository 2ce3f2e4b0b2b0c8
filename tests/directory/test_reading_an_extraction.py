"""An extraction is read row by row; what is wrong with a row is said of that row, and never repeats a value."""

import os
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.directory.columns import COLUMNS, SEPARATOR
from huissier.adapters.directory.names import joined, parted, plain
from huissier.adapters.directory.reading import ExtractionError, Row, open_extraction, read_extraction
from huissier.adapters.json_lines import LONGEST_LINE
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, NOW, SECRETARIAT, ins
from huissier.domain.commands import CreateMailbox
from tests.directory.made import extraction, row


def read(*rows: str | bytes) -> list[Row]:
    return list(read_extraction(BytesIO(extraction(*rows))))


def test_a_row_is_a_command() -> None:
    person = row(
        "DR.Martin@CH-exemple.mssante.fr",
        Type_Identifiant_PP="8",
        Identifiant_PP="99000000001",
        Identification_nationale_PP="899000000001",
        Type_identifiant_structure="1",
        Identification_Structure="990000001",
        Service_de_rattachement=" Cardiologie ",
        Nom_d_exercice="MARTIN",
        Prénom_d_exercice="Zoé",
        Raison_Sociale_structure_BAL="CH EXEMPLE",
    )
    organisation = row(SECRETARIAT, "ORG", Raison_Sociale_structure_BAL="CH EXEMPLE", Nom_d_exercice="X")
    (first, second) = read_extraction(BytesIO(extraction(person, organisation)), NOW)
    assert first == Row(
        2,
        CreateMailbox(
            at=NOW,
            address=DOCTOR,
            kind="PER",
            rpps="99000000001",
            finess="990000001",
            service="Cardiologie",
            name="MARTIN Zoé",
        ),
    )
    assert second == Row(3, CreateMailbox(at=NOW, address=SECRETARIAT, kind="ORG", name="CH EXEMPLE"))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"Type_Identifiant_PP": "0", "Identifiant_PP": "2a9900001"}, ("adeli", "2A9900001")),
        ({"Type_Identifiant_PP": "ADELI", "Identifiant_PP": "0990000001"}, ("adeli", "990000001")),
        ({"Type_Identifiant_PP": "rpps", "Identifiant_PP": "899000000001"}, ("rpps", "99000000001")),
        ({"Type_identifiant_structure": "FINESS", "Identification_Structure": "1990000001"}, ("finess", "990000001")),
        ({"Type_identifiant_structure": "3", "Identification_Structure": "99000000100012"}, ("finess", None)),
        ({"Type_Identifiant_PP": "3", "Identifiant_PP": "990000001/INTERNE"}, ("rpps", None)),
        ({"Type_Identifiant_PP": "8"}, ("rpps", None)),
        ({"Raison_Sociale_structure_BAL": "CABINET"}, ("name", "CABINET")),
        ({"Nom_d_exercice": "MARTIN", "Raison_Sociale_structure_BAL": "CABINET"}, ("name", "MARTIN")),
    ],
)
def test_identifiers_come_with_their_codes_and_without(values: dict[str, str], found: tuple[str, str | None]) -> None:
    (only,) = read(row(DOCTOR, **values))
    assert only.command is not None
    assert getattr(only.command, found[0]) == found[1]


BAD: dict[str, tuple[str | bytes, str]] = {
    "a value with a separator": (row(DOCTOR, Pays_structure_BAL="FRANCE|"), "32 columns where the header names 31"),
    "a column too few": (row(DOCTOR).removesuffix("|"), "30 columns where the header names 31"),
    "another encoding": ("PER|é".encode("latin-1"), "not UTF-8 (byte 5)"),
    "no address": (row(""), "Adresse BAL: not plainly one address"),
    "an odd address": (row(f'"dr"@{HOSPITAL}'), "Adresse BAL: not plainly one address"),
    "no kind": (row(DOCTOR, ""), "Type de BAL: not one of PER, ORG, APP, CAB"),
    "another kind": (row(DOCTOR, "USAGER"), "Type de BAL: not one of PER, ORG, APP, CAB"),
    "a short number": (row(DOCTOR, Type_Identifiant_PP="8", Identifiant_PP="99"), "rpps: an RPPS number has 11 digits"),
    "a short FINESS": (
        row(DOCTOR, Type_identifiant_structure="1", Identification_Structure="99"),
        "finess: a FINESS number has 9 digits",
    ),
    "a long name": (row(DOCTOR, Nom_d_exercice="x" * 2001), "name"),
    "a name that is long once it has no INS": (row(DOCTOR, Nom_d_exercice="\ufdfa" * 200 + ins(1)), "name"),
    "a NUL": (row(DOCTOR, Nom_d_exercice="x\x00"), "name"),
    "an endless line": (b"x" * (LONGEST_LINE + 1), "longer than"),
    "a usager": (row(f"{ins(1)}@{HOSPITAL}"), "Adresse BAL: a usager's address has no place in the directory"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_is_reported_and_those_around_it_are_read(bad: str) -> None:
    content, reason = BAD[bad]
    before, wrong, after = read(row(DOCTOR), content, row(SECRETARIAT, "ORG"))
    assert before.command is not None
    assert after.command is not None
    assert (wrong.line, wrong.command) == (3, None)
    assert reason in wrong.error


def test_no_report_repeats_an_ins() -> None:
    columns = row(DOCTOR).split(SEPARATOR)
    for place in range(len(columns)):
        spoiled = [ins(1) if here == place else value for here, value in enumerate(columns)]
        (only,) = read(SEPARATOR.join(spoiled))
        assert ins(1) not in repr(only)


def test_blank_lines_other_line_ends_and_a_byte_order_mark_are_understood() -> None:
    content = b"\xef\xbb\xbf" + extraction(row(DOCTOR), "", row(SECRETARIAT)).replace(b"\n", b"\r\n")
    first, second = read_extraction(BytesIO(content))
    assert (first.line, second.line) == (2, 4)
    assert second.command == CreateMailbox(address=SECRETARIAT, kind="PER")


def test_columns_are_found_by_name_in_any_order() -> None:
    header = SEPARATOR.join(reversed(COLUMNS)).replace("'", "’")
    reversed_row = SEPARATOR.join(reversed(row(DOCTOR, Nom_d_exercice="MARTIN").split(SEPARATOR)))
    (only,) = read_extraction(BytesIO(extraction(reversed_row, header=header)))
    assert only.command == CreateMailbox(address=DOCTOR, kind="PER", name="MARTIN")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (extraction(header="Type de BAL|Adresse BAL"), "does not name the columns Type Identifiant PP, Identifiant PP"),
        (extraction(header="Adresse BAL|" + SEPARATOR.join(COLUMNS)), "names more than once the columns Adresse BAL"),
        ("Type de BAL|é".encode("latin-1"), "line 1, the names of the columns: not UTF-8"),
    ],
)
def test_a_file_that_is_no_extraction_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ExtractionError, match=reason):
        list(read_extraction(BytesIO(content)))


def zipped(path: Path, method: int = ZIP_DEFLATED, **texts: bytes) -> Path:
    with ZipFile(path, "w", method) as archive:
        for name, content in texts.items():
            archive.writestr(name.replace("_txt", ".txt"), content)
    return path


def test_the_archive_is_read_as_the_text_in_it_is(tmp_path: Path) -> None:
    content = extraction(*(row(f"dr.{number}@{HOSPITAL}") for number in range(5000)))
    plain = tmp_path / "plain.txt"
    plain.write_bytes(content)
    rows: list[list[Row]] = []
    for path in (plain, zipped(tmp_path / "e.zip", extraction_txt=content, readme=b"")):
        with open_extraction(path) as (stream, size):
            rows.append(list(read_extraction(stream)))
            assert size == len(content) == stream.tell()
    assert rows[0] == rows[1]
    assert len(rows[0]) == 5000


def test_an_archive_with_no_text_or_two_is_refused(tmp_path: Path) -> None:
    for path in (zipped(tmp_path / "0.zip"), zipped(tmp_path / "2.zip", a_txt=b"", b_txt=b"")):
        with pytest.raises(ExtractionError, match=r"holds [02] files that end with .txt"), open_extraction(path):
            pass


@pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
def test_a_damaged_archive_is_refused_before_any_row_is_read(tmp_path: Path, method: int) -> None:
    content = extraction(*(row(f"dr.{number}@{HOSPITAL}", Nom_d_exercice=f"{number:x}") for number in range(5_000)))
    whole = zipped(tmp_path / "e.zip", method, e_txt=content).read_bytes()
    middle = len(whole) // 2
    for damaged in (whole[:middle] + bytes(64) + whole[middle + 64 :], whole[:middle], whole[:2]):
        (tmp_path / "e.zip").write_bytes(damaged)
        with pytest.raises(ExtractionError, match="the archive is broken"), open_extraction(tmp_path / "e.zip"):
            pass


def test_an_archive_with_a_name_in_another_encoding_than_it_says_is_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("é.txt", extraction())
    content = (tmp_path / "e.zip").read_bytes()
    (tmp_path / "e.zip").write_bytes(content.replace("é".encode(), b"\xe9a"))
    with pytest.raises(ExtractionError, match="the archive is broken"), open_extraction(tmp_path / "e.zip"):
        pass


def test_a_pipe_is_refused_with_the_reason() -> None:
    here, there = os.pipe()
    os.write(there, b"Type de BAL|")
    os.close(there)
    try:
        with pytest.raises(ExtractionError, match="not a pipe"), open_extraction(Path(f"/dev/fd/{here}")):
            pass
    finally:
        os.close(here)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="No such file"), open_extraction(tmp_path / "none.zip"):
        pass


@given(st.text(st.sampled_from("Aé É|\t-")).map(plain).filter(bool))
def test_a_name_in_two_columns_is_the_same_name_again(name: str) -> None:
    assert joined(*parted(name)) == name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("MARTIN Jean", ("MARTIN", "Jean")),
        ("LE GOFF Anne-Marie", ("LE GOFF", "Anne-Marie")),
        ("Docteur Martin", ("Docteur Martin", "")),
        ("MARTIN", ("MARTIN", "")),
    ],
)
def test_a_name_is_parted_after_its_capitals(name: str, parts: tuple[str, str]) -> None:
    assert parted(name) == parts


def test_lines_that_end_with_carriage_returns_alone_are_told() -> None:
    content = extraction(row(DOCTOR)).replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    with pytest.raises(ExtractionError, match="carriage returns alone"):
        list(read_extraction(BytesIO(content)))


@pytest.mark.parametrize("meddle", ["cut", "overwritten"])
def test_an_archive_that_changes_while_it_is_read_is_told(meddle: str, tmp_path: Path) -> None:
    path = tmp_path / "e.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("e.txt", extraction(*(row(f"d{number}@{HOSPITAL}") for number in range(20_000))))
    with open_extraction(path) as opened:
        rows = read_extraction(opened.stream)
        assert next(rows).command is not None
        with path.open("r+b") as file:
            if meddle == "cut":
                file.truncate(path.stat().st_size // 2)
            else:
                file.seek(path.stat().st_size // 2)
                file.write(b"x" * 1_000)
        with pytest.raises(ExtractionError, match="changed or broke off"):
            list(rows)

"""A layout is data: every word of it counts, and a wrong one is refused with its place and what is known."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.statistics.exchanges_file import Written, exchanges_file
from huissier.adapters.statistics.gate import GateError
from huissier.adapters.statistics.layout import FIELDS, Column, Layout, LayoutError, read_layout, shipped_layout
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, REMOTE_DOCTOR, corsican_ins, ins
from huissier.projections.exchanges import Exchange
from tests.statistics.told import produce, produced, tell

LINE = Exchange(DOCTOR, "usager", "PER", "USAGER", 12, 3, 4, 5)


def write(folder: Path, layout: Layout, *lines: Exchange, domain: str = HOSPITAL) -> Written:
    """Write a file."""
    with exchanges_file(folder, 202610, domain, layout, lines) as file:
        return file


def written(folder: Path, layout: Layout, *lines: Exchange) -> bytes:
    """Return a file's bytes."""
    return (folder / write(folder, layout, *lines).name).read_bytes()


def layout(folder: Path, text: str) -> Layout:
    """Read a layout that is written like this."""
    path = folder / "layout.toml"
    path.write_text(text)
    return read_layout(path)


def columns(*named: tuple[str, str]) -> str:
    return "".join(f'[[columns]]\nfield = "{field}"\nlabel = "{label}"\n' for field, label in named)


def test_the_shipped_layout_has_every_column_and_says_that_it_is_provisional() -> None:
    shipped = shipped_layout()
    assert [column.field for column in shipped.columns] == list(FIELDS)
    assert shipped.name == "provisional-1"


def test_every_word_of_a_layout_counts(tmp_path: Path) -> None:
    own = layout(
        tmp_path,
        'name = "annexe-7"\nseparator = ","\nencoding = "cp1252"\nline_end = "\\r\\n"\nmonth_format = "MM/AAAA"\n'
        + columns(("acceptes", "acceptés"), ("mois", "période, mois"), ("destinataire", "à")),
    )
    assert written(tmp_path, own, LINE) == 'acceptés,"période, mois",à\r\n12,10/2026,usager\r\n'.encode("cp1252")


def test_a_layout_may_have_no_header_and_a_byte_order_mark(tmp_path: Path) -> None:
    own = layout(tmp_path, 'name = "x"\nencoding = "utf-8-sig"\nheader = false\n' + columns(("remis", "remis")))
    assert written(tmp_path, own, LINE) == b"\xef\xbb\xbf4\n"
    assert write(tmp_path, own, LINE, LINE).rows == 2


def test_the_program_takes_a_layout_of_ones_own_and_records_its_name(tmp_path: Path) -> None:
    tell(tmp_path)
    (tmp_path / "own.toml").write_text('name = "annexe-7"\n' + columns(("domaine", "Domaine")))
    assert produce(tmp_path, "--layout", "own.toml").returncode == 0
    assert [fact.layout for fact in produced(tmp_path)] == ["annexe-7"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (columns(("mois", "m")), "missing required field `name`"),
        ('name = "x"\n', "missing required field `columns`"),
        ('name = "x"\ncolumns = []\n', "columns: there is none"),
        (
            'name = "x"\n' + columns(("mois", "m"), ("sujet", "s")),
            "column 2, field: there is no sujet; there are mois,",
        ),
        ('name = "x"\n' + columns(("mois", "m"), ("mois", "n")), "column 2, field: mois stands twice"),
        ('name = "x"\nseparator = "a"\n' + columns(("mois", "m")), r"separator: there is no 'a'; there are ';', ',',"),
        (
            'name = "x"\ntime_zone = "UTC"\n' + columns(("mois", "m")),
            "time_zone: there is no 'UTC'; there are 'Europe/Paris'",
        ),
        (
            'name = "x"\nencoding = "utf-16"\n' + columns(("mois", "m")),
            "encoding: there is no 'utf-16'; there are 'utf-8',",
        ),
        ('name = "x"\nencoding = 8\n' + columns(("mois", "m")), "encoding: there is no 8; there are 'utf-8',"),
        ('name = "x"\nmonth_format = "MM"\n' + columns(("mois", "m")), "month_format: AAAA and MM"),
        (
            'name = "x"\nencoding = "cp1252"\n' + columns(("mois", "ŵ")),
            "column 1, label: it cannot be written in cp1252",
        ),
        ('name = "x"\ncolours = 3\n' + columns(("mois", "m")), "there is no colours; there are name, columns,"),
        (
            'name = "x"\n[[columns]]\nfield = "mois"\ntitle = "m"\n',
            "column 1, there is no title; there are field, label",
        ),
        ('name = "x"\ncolumns = 3\n', r"Expected `array`, got `int` - at `\$.columns`"),
        ('name = "x"\ncolumns = [3]\n', r"Expected `object`, got `int` - at `\$.columns\[0\]`"),
        ('name = "a/b"\n' + columns(("mois", "m")), "name: letters, digits"),
        ('name = "x"\n' + columns(("mois", "a\\nb")), "column 1, label: one line of text"),
        ('name = "x"\n' + columns(("mois", "")), "column 1, label: one line of text"),
        ("name = \n", "line 1, column 8"),
    ],
)
def test_a_layout_that_is_none_is_refused_with_the_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(LayoutError, match=problem):
        layout(tmp_path, text)


def test_the_program_names_the_known_columns_and_writes_nothing(tmp_path: Path) -> None:
    tell(tmp_path)
    (tmp_path / "own.toml").write_text('name = "x"\n' + columns(("sujet", "s")))
    done = produce(tmp_path, "--layout", "own.toml")
    assert done.returncode == 2
    assert done.stderr == (
        "huissier: --layout: the layout own.toml: column 1, field: there is no sujet; there are mois, domaine,"
        " emetteur, destinataire, type_emetteur, type_destinataire, acceptes, refuses, remis, non_remis\n"
    )
    assert produced(tmp_path) == []


def test_a_layout_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    text = 'name = "own"\n' + columns(("mois", "mois"))
    assert layout(tmp_path, f"\ufeff{text}") == layout(tmp_path, text)


def test_a_layout_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"none\.toml cannot be read: No such file"):
        read_layout(tmp_path / "none.toml")
    (tmp_path / "latin").write_bytes(b"name = '\xe9'")
    with pytest.raises(LayoutError, match="not text in UTF-8"):
        read_layout(tmp_path / "latin")


# --- cells


@pytest.mark.parametrize("sign", "=+-")
def test_a_cell_that_a_spreadsheet_would_run_is_guarded(tmp_path: Path, sign: str) -> None:
    address = f"{sign}1.2@cabinet.mssante.fr"
    content = written(tmp_path, shipped_layout(), Exchange(DOCTOR, address, "PER", "EXTERNE", 1, 0, 0, 0))
    assert f";'{address};".encode() in content
    own = layout(tmp_path, 'name = "x"\nformula_guard = false\n' + columns(("destinataire", "d")))
    assert written(tmp_path, own, Exchange(DOCTOR, address, "PER", "EXTERNE", 1, 0, 0, 0)).endswith(
        f"{address}\n".encode()
    )


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20), st.sampled_from(";,|\t"))
def test_whatever_stands_in_a_cell_comes_back_as_it_was(text: str, separator: str) -> None:
    own = Layout("x", (Column("emetteur", "e"), Column("remis", "r")), separator=separator, formula_guard=False)  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        try:
            name = write(Path(folder), own, Exchange(text, "", "", "", 0, 0, 7, 0)).name
        except GateError:
            return
        with (Path(folder) / name).open(newline="") as file:
            assert list(csv.reader(file, delimiter=separator)) == [["e", "r"], [text, "7"]]


# --- the last gate

_I, _C = ins(11), corsican_ins(12)


@pytest.mark.parametrize(
    "text",
    [
        *(_I, _C, _I[:13], _C[:13], f"{_I}@patient.mssante.fr", _C.lower() + "@patient.mssante.fr"),
        *(" ".join(_I), f"{_I[0]} {_I[1:3]} {_I[3:5]} {_I[5:7]} {_I[7:10]} {_I[10:13]} {_I[13:]}"),
        *(f"dr.{_I}.suivi@ch.fr", f"{_I}+tag@patient.mssante.fr", f'"{_I}"@patient.mssante.fr', f"{_I}%ch.fr@x.fr"),
        *(f"99{_I}7", f"x{_C}y", "-".join(_C), _I.translate({48 + n: 0xFF10 + n for n in range(10)})),
        f"Mme Z <{_I}@patient.mssante.fr>",
        f"=1+{_I}",
    ],
)
@pytest.mark.parametrize("column", ["sender", "recipient", "sender_type", "domain"])
def test_nothing_that_looks_like_an_ins_passes_the_gate(tmp_path: Path, text: str, column: str) -> None:
    domain = text if column == "domain" else HOSPITAL
    fields = {
        "sender": DOCTOR,
        "recipient": REMOTE_DOCTOR,
        "sender_type": "PER",
        **({column: text} if column != "domain" else {}),
    }
    bad = Exchange(**fields, recipient_type="PER", accepted=1, refused=0, delivered=0, undelivered=0)
    with pytest.raises(GateError) as problem:
        write(tmp_path, shipped_layout(), *[LINE] * 2_500, bad, domain=domain)
    assert text not in str(problem.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_the_log_calls_a_usager_passes_the_gate(tmp_path: Path) -> None:
    bad = Exchange(DOCTOR, "usager:abc@patient.mssante.fr", "PER", "USAGER", 1, 0, 0, 0)
    with pytest.raises(GateError, match="destinataire of line 1 names a usager"):
        write(tmp_path, shipped_layout(), bad)


def test_great_counts_are_no_ins(tmp_path: Path) -> None:
    counts = (int(_I[:4]), int(_I[4:8]), int(_I[8:12]), int(_I[12:]))
    assert written(tmp_path, shipped_layout(), Exchange(DOCTOR, "usager", "PER", "USAGER", *counts)).count(b"\n") == 2

"""A made-up extraction of the national directory, of any size, and the time to import and to export it.

85 % PER and 15 % ORG mailboxes over some thousands of domains, in no order, as in the published file; names, numbers
and domains are made up (département 99). The domains are hosted by one operator, so that every row is taken.
Whole commands are measured, as a person runs them, on a store of their own: the import, the same import again, which
first folds the log into the directory, the exports, and a search.
"""

import argparse
import random
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import huissier
from benchmarks.measure import say, scratch
from huissier.adapters.directory.columns import (
    ADDRESS,
    COLUMNS,
    COMPANY,
    FAMILY,
    FINESS,
    GIVEN,
    KIND,
    NATIONAL_PERSON,
    PERSON,
    PERSON_TYPE,
    RPPS,
    SEPARATOR,
    SERVICE,
    STRUCTURE,
    STRUCTURE_TYPE,
)

ROWS, DOMAINS = 535_000, 5_000
FAMILIES = ("MARTIN", "DURAND", "LE GOFF", "NGUYEN", "D'ARTAGNAN", "MÜLLER", "BÉRENGER", "CŒUR", "PETIT", "DA SILVA")
GIVENS = ("Jean", "Zoé", "Anne-Marie", "François", "Aïcha", "Loïc", "Inès", "Paul Émile")
SERVICES = ("Cardiologie", "Secrétariat", "Urgences", "Médecine générale", "Pédiatrie", "")
PLACES = ("Sacré-Cœur", "Saint-Étienne", "de la Côte", "du Val d'Oise", "Notre-Dame")


def main(argv: list[str] | None = None) -> None:
    """Write a file, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--domains", type=int, default=DOMAINS)
    parser.add_argument("--write", type=Path, metavar="FILE", help="only write the extraction, a ZIP")
    parser.add_argument("--dir", type=Path, help="where the store is made")
    options = parser.parse_args(argv)
    if options.write is not None:
        write(options.write, options.rows, options.domains)
        return
    with scratch(options.dir) as folder:
        measure(folder, options.rows, options.domains)


def measure(folder: Path, rows: int, domains: int) -> None:
    """Run each command as a person does, and print how long it took."""
    file, url = folder / "Extraction_Correspondance_MSSante_202611010000.zip", f"sqlite:///{folder / 'huissier.db'}"
    say(f"writing {rows:,} rows")
    write(file, rows, domains)
    host(url, domains)
    out = ("--out", str(folder))
    for title, arguments in (
        ("import", ("import", str(file))),
        ("the same again", ("import", str(file))),
        ("export", ("export", *out)),
        ("export as FHIR", ("export", "--fhir", *out)),
        ("search", ("search", "sacre", "centre")),
    ):
        began, cpu_before = perf_counter(), cpu_seconds()
        done = subprocess.run(
            [Path(sys.executable).with_name("huissier"), "--store", url, "directory", *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds = perf_counter() - began
        cpu = cpu_seconds() - cpu_before
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{title}: {seconds:.1f} s, {cpu:.1f} s of CPU, up to now at most {memory:,.0f} MB")
        print(f"  {done.stdout.splitlines()[-1]}")


def cpu_seconds() -> float:
    """Return how many seconds of a core the commands have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def host(url: str, domains: int) -> None:
    """Make a store whose operator hosts all domains of the extraction."""
    with huissier.open(url) as engine:
        engine.handle(huissier.RegisterOperator(operator="ght", kind="professionnel"))
        engine.handle_many(
            huissier.AdmitDomain(domain=domain(number), operator="ght", hosted=True) for number in range(domains)
        )


def write(path: Path, rows: int, domains: int) -> None:
    """Write an extraction of some rows into a ZIP; the same rows every time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{path.stem}.txt", "w") as text:
        for row in (COLUMNS, *made_up(rows, domains)):
            text.write(SEPARATOR.join(row).encode() + b"\n")


def made_up(rows: int, domains: int) -> Iterator[list[str]]:
    """Yield rows in no order."""
    chance = random.Random(1)
    numbers = list(range(rows))
    chance.shuffle(numbers)
    for number in numbers:
        place = chance.randrange(domains)
        values = person(chance, number, place) if chance.random() < 0.85 else organisation(chance, number, place)
        yield [values.get(name, "") for name in COLUMNS]


def person(chance: random.Random, number: int, place: int) -> dict[str, str]:
    family, given, rpps = chance.choice(FAMILIES), chance.choice(GIVENS), f"99{number:09}"
    return {
        KIND: "PER",
        ADDRESS: f"personne.{number}@{domain(place)}",
        PERSON_TYPE: RPPS,
        PERSON: rpps,
        NATIONAL_PERSON: RPPS + rpps,
        FAMILY: family,
        GIVEN: given,
        "Code Profession": "10",
        "Libellé Profession": "Médecin",
        **structure(place),
    }


def organisation(chance: random.Random, number: int, place: int) -> dict[str, str]:
    service = chance.choice(SERVICES)
    return {KIND: "ORG", ADDRESS: f"service.{number}@{domain(place)}", SERVICE: service, **structure(place)}


def structure(place: int) -> dict[str, str]:
    return {
        STRUCTURE_TYPE: FINESS,
        STRUCTURE: f"99{place:07}",
        COMPANY: f"Centre hospitalier {PLACES[place % len(PLACES)]} {place}",
        "Code postal structure BAL": "99999",
        "Département structure BAL": "99",
        "Pays structure BAL": "FRANCE",
    }


def domain(number: int) -> str:
    return f"etablissement-{number}.mssante.fr"


if __name__ == "__main__":
    main()

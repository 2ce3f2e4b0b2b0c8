"""The columns of the national extraction (Extraction_Correspondance_MSSante), and what of them the log has room for.

Source: the header of the published file, second-hand; of the codes, 8 (RPPS) and 0 (ADELI) before an identifier
are the official national identification, 1 (FINESS) is that of TRE_G07-TypeIdentifiantStructure.
"""

from typing import Final

KIND: Final = "Type de BAL"
ADDRESS: Final = "Adresse BAL"
PERSON_TYPE: Final = "Type Identifiant PP"
PERSON: Final = "Identifiant PP"
NATIONAL_PERSON: Final = "Identification nationale PP"
STRUCTURE_TYPE: Final = "Type identifiant structure"
STRUCTURE: Final = "Identification Structure"
SERVICE: Final = "Service de rattachement"
FAMILY: Final = "Nom d'exercice"
GIVEN: Final = "Prénom d'exercice"
COMPANY: Final = "Raison Sociale structure BAL"

COLUMNS: Final = (
    KIND,
    ADDRESS,
    PERSON_TYPE,
    PERSON,
    NATIONAL_PERSON,
    STRUCTURE_TYPE,
    STRUCTURE,
    SERVICE,
    "Civilité d'exercice",
    FAMILY,
    GIVEN,
    "Catégorie profession",
    "Libellé de catégorie profession",
    "Code Profession",
    "Libellé Profession",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Dématérialisation",
    COMPANY,
    "Enseigne commerciale structure BAL",
    "L2COMPLEMENTLOCALISATION structure BAL",
    "L3COMPLEMENTDISTRIBUTION structure BAL",
    "L4NUMEROVOIE structure BAL",
    "L4COMPLEMENTNUMEROVOIE structure BAL",
    "NL4TYPEVOIE structure BAL",
    "L4LIBELLEVOIE structure BAL",
    "L5LIEUDITMENTION structure BAL",
    "L6LIGNEACHEMINEMENT structure BAL",
    "Code postal structure BAL",
    "Département structure BAL",
    "Pays structure BAL",
)
READ: Final = (KIND, ADDRESS, PERSON_TYPE, PERSON, STRUCTURE_TYPE, STRUCTURE, SERVICE, FAMILY, GIVEN, COMPANY)
SEPARATOR: Final = "|"

RPPS: Final = "8"
ADELI: Final = "0"
FINESS: Final = "1"

"""The small town of generated histories: few enough people, domains and moments that commands meet each other.

Its people are made up: their matricules name the département 99, which is abroad, and their keys are computed here.
"""

from datetime import UTC, datetime
from typing import Final

from huissier.adapters.testing.hospital import with_key

HOSPITAL: Final = "ch.mssante.fr"
LIBERAL: Final = "liberal.mssante.fr"
PATIENTS: Final = "patient.mssante.fr"
RESIDENTS: Final = "residents.mssante.fr"
NEVER_ADMITTED: Final = "jamais.mssante.fr"
DOMAINS: Final = (HOSPITAL, LIBERAL, PATIENTS, RESIDENTS, NEVER_ADMITTED)

HOSPITAL_OPERATOR: Final = "hospitalis"
LIBERAL_OPERATOR: Final = "liberalis"
USAGERS_OPERATOR: Final = "usageris"
OPERATORS: Final = (HOSPITAL_OPERATOR, LIBERAL_OPERATOR, USAGERS_OPERATOR)

INS: Final = tuple(with_key(matricule) for matricule in ("1850199000101", "2900699000202", "1771299000303"))
INS_WITH_WRONG_KEY: Final = f"{INS[0][:13]}{(int(INS[0][13:]) + 1) % 97:02}"

DOCTOR: Final = f"dr.a@{HOSPITAL}"
SECRETARY: Final = f"secretariat@{HOSPITAL}"
PHARMACY: Final = f"pharmacie@{HOSPITAL}"
PHARMACIST: Final = f"dr.p@{HOSPITAL}"  # whose own mailbox is not the pharmacy's (rule 7)
REMOTE_DOCTOR: Final = f"dr.c@{LIBERAL}"
HOSTED: Final = (DOCTOR, SECRETARY, PHARMACY, PHARMACIST)
PROFESSIONNELS: Final = (*HOSTED, REMOTE_DOCTOR)
PATIENTS_BOXES: Final = tuple(f"{ins}@{PATIENTS}" for ins in INS[:2])
USAGERS: Final = (*PATIENTS_BOXES, f"{INS[0]}@{RESIDENTS}", f"mme.z@{RESIDENTS}", f"reponse.test@{PATIENTS}")
STRANGERS: Final = (f"dr.inconnu@{HOSPITAL}", f"{INS[2]}@{PATIENTS}", f"{INS[0]}@{HOSPITAL}", f"dr.x@{NEVER_ADMITTED}")
OTHERS: Final = (*STRANGERS, f"{INS_WITH_WRONG_KEY}@{PATIENTS}")
READABLE: Final = (*PROFESSIONNELS, *USAGERS, *STRANGERS)
ADDRESSES: Final = (*PROFESSIONNELS, *USAGERS, *OTHERS)

MOMENTS: Final = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        *("2020-01-15T08:00", "2020-06-01T08:00", "2021-03-01T08:00", "2021-05-26T00:00", "2021-06-01T08:00"),
        *("2021-06-10T00:00", "2021-09-01T08:00", "2021-11-26T00:00", "2021-12-15T08:00", "2022-06-01T08:00"),
        *("2023-05-21T08:00", "2023-05-22T00:00", "2023-06-15T08:00", "2023-06-20T08:00", "2024-02-01T08:00"),
        *("2025-03-01T08:00", "2026-01-01T08:00", "2026-10-31T23:59:59.999999"),
    )
)
CERTIFICATES: Final = ("CN=mx.ch.example,O=CH", "CN=relais.example,O=Relais", "CN=mes.example,O=Usageris")
CERTIFICATE_SPELLINGS: Final = (
    *CERTIFICATES,
    "/O=ch/CN=MX.ch.example",
    "O=Relais, cn=relais.example",
    "CN=inconnu.example",
    "no distinguished name",
    "",
)
COMMON_NAMES: Final = ("mx.ch.example", "MX.CH.example ", "relais.example", "inconnu.example", "CN=relais.example", "")
# Ids that a history replaces: one not used before, and those of the last message to a usager and the one before it.
NEW, LAST, LAST_BUT_ONE = "new", "last", "last but one"
IDS: Final = ("m-1", "m-2", "m-3", "m-4", "m-5", f"m {INS[0]}", "digest:m-1")
MESSAGE_IDS: Final = ("<1@mx>", "<2@mx>", f"<{INS[0]}@mx>")
SUBJECTS: Final = ("[FIN]", "[fin]", "[FIN] ", "Re: [FIN]", "FIN", "", "Votre rendez-vous")
FIN_HEADERS: Final = ("FIN", "fin", " FIN ", "OUI", "")
SIZES: Final = (0, 24_999_999, 25_000_000, 25_000_001, 60_000_000)
REFERENTIELS: Final = ("1.3.1", "1.4", "1.10")
SHADOWS: Final = (
    ("CONTACT_NOT_OPENED",),
    ("SENDER_UNKNOWN", "RECIPIENT_UNKNOWN", "CGU_NOT_SIGNED"),
    ("OPERATOR_NOT_COMMITTED", "CONTACT_ENDED", "MESSAGE_TOO_LARGE"),
)
VERSIONS: Final = ("cgu-1", "cgu-2")
DEADLINES: Final = (None, "2021-06-01T08:00:00Z", "2021-08-31", "2023-06-15")

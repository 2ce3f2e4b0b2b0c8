"""Rule 9: a hosted domain knows its mailboxes, of a remote one absence proves nothing; no look-alikes."""

import pytest

from huissier import AdmitDomain, CreateMailbox
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    HOSPITAL,
    INSTANT,
    NOBODY,
    NOW,
    PATIENTS,
    SINCE,
    STRANGER,
    SURGEON,
    USAGER,
    corsican_ins,
    ins,
    operator,
    reach,
    world,
    write,
)
from tests.scenarios.story import Story

ALLOWED = "PROFESSIONNEL_TO_PROFESSIONNEL"


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_an_unknown_local_mailbox_neither_sends_nor_receives(story: Story) -> None:
    story.when(write(NOBODY, DOCTOR)).then_refused("SENDER_UNKNOWN").then_rests_on(4)
    story.when(write(DOCTOR, NOBODY)).then_refused("RECIPIENT_UNKNOWN").then_rests_on(4)
    story.when(write(NOBODY, NOBODY)).then_refused("SENDER_UNKNOWN", "RECIPIENT_UNKNOWN")
    story.when(write(NOBODY, USAGER)).then_refused("SENDER_UNKNOWN")


def test_a_usager_without_an_ens_is_unknown_where_usagers_are_hosted(story: Story) -> None:
    story.when(write(DOCTOR, STRANGER)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(STRANGER, DOCTOR)).then_refused("SENDER_UNKNOWN", "CONTACT_NOT_OPENED")


def test_an_unknown_remote_mailbox_is_not_a_reason(story: Story) -> None:
    story.when(write(f"jamais.vu@{CABINET}", DOCTOR)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, f"jamais.vu@{CABINET}")).then_accepted(ALLOWED)


def test_a_usager_is_not_known_to_be_absent_where_usagers_are_remote() -> None:
    story = Story().given(*world(hosted_patients=False))
    story.when(write(DOCTOR, STRANGER)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_a_mailbox_is_known_from_its_very_instant_on(story: Story) -> None:
    story.given(CreateMailbox(at=NOW, address=NOBODY, kind="PER"))
    story.when(write(DOCTOR, NOBODY, at=NOW - INSTANT)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(DOCTOR, NOBODY, at=NOW)).then_accepted(ALLOWED)


def test_a_mailbox_created_late_counts_from_its_own_date(story: Story) -> None:
    story.when(write(DOCTOR, NOBODY, at=NOW - DAY)).then_refused("RECIPIENT_UNKNOWN")
    story.given(CreateMailbox(at=NOW - 2 * DAY, address=NOBODY, kind="PER"))
    story.when(write(DOCTOR, NOBODY, at=NOW - DAY)).then_accepted(ALLOWED)


def test_a_domain_hosted_from_a_date_on_knows_its_mailboxes_from_then_on(story: Story) -> None:
    story.given(*operator("cabinet-op"), AdmitDomain(at=NOW, domain=CABINET, operator="cabinet-op", hosted=True))
    story.when(write(DOCTOR, f"dr.petit@{CABINET}", at=NOW - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, f"dr.petit@{CABINET}", at=NOW)).then_refused("RECIPIENT_UNKNOWN")


def test_a_domain_that_is_not_hosted_any_more_is_not_asked_any_more(story: Story) -> None:
    story.given(AdmitDomain(at=NOW, domain=HOSPITAL, hosted=False))
    story.when(write(DOCTOR, NOBODY, at=NOW - INSTANT)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(DOCTOR, NOBODY, at=NOW)).then_accepted(ALLOWED)


@pytest.mark.parametrize("spelling", [DOCTOR.upper(), DOCTOR.title(), f"{DOCTOR}.", f"{DOCTOR}.".upper()])
def test_case_and_one_trailing_dot_are_only_spelling(story: Story, spelling: str) -> None:
    story.when(write(spelling, SURGEON)).then_accepted(ALLOWED)
    story.when(write(SURGEON, spelling)).then_accepted(ALLOWED)


@pytest.mark.parametrize(
    "address",
    [
        f"dr.martin+urgent@{HOSPITAL}",
        f"dr-martin@{HOSPITAL}",
        f"drmartin@{HOSPITAL}",
        f"dr.martin.@{HOSPITAL}".replace(".@", "_@"),
        f"dr.rnartin@{HOSPITAL}",
    ],
)
def test_an_address_that_resembles_a_mailbox_is_another_one(story: Story, address: str) -> None:
    story.when(write(SURGEON, address)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(address, SURGEON)).then_refused("SENDER_UNKNOWN")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dr.martin",
        "@",
        f"@{HOSPITAL}",
        "dr.martin@",
        f"@{CABINET}:{DOCTOR}",
        f"dr.martin%{HOSPITAL}@{CABINET}",
        f"{HOSPITAL}!dr.martin@{CABINET}",
        f'"dr.martin"@{HOSPITAL}',
        f"<{DOCTOR}>",
        f"Dr Martin <{DOCTOR}>",
        f" {DOCTOR}",
        f"{DOCTOR} ",
        f"{DOCTOR}\n",
        f"{DOCTOR}\x00",
        f"{DOCTOR}..",
        f"dr..martin@{HOSPITAL}",
        f".dr.martin@{HOSPITAL}",
        f"dr.martin.@{HOSPITAL}",
        f"dr martin@{HOSPITAL}",
        f"dr.martin(urgences)@{HOSPITAL}",
        f"{DOCTOR},{SURGEON}",
        f"{DOCTOR}@{HOSPITAL}",
        f"dr.mаrtin@{HOSPITAL}",  # a Cyrillic а
        f"dr.martin＠{HOSPITAL}",
        "dr.martin@ch-exemple.mssante。fr",
        "dr.martin@[192.0.2.1]",
        "dr.martin@localhost",
        f"mailto:{DOCTOR}",
        f"{'a' * 65}@{HOSPITAL}",
    ],
)
def test_a_spelling_that_is_not_plainly_one_address_is_nobodys(story: Story, address: str) -> None:
    story.when(write(SURGEON, address)).then_refused("ADDRESS_INVALID").then_rests_on()
    story.when(write(address, SURGEON)).then_refused("ADDRESS_INVALID")
    story.when(write(address, USAGER)).then_refused("ADDRESS_INVALID")


def test_an_unreadable_sender_does_not_hide_what_else_is_wrong(story: Story) -> None:
    story.when(write("<>", NOBODY)).then_refused("ADDRESS_INVALID", "RECIPIENT_UNKNOWN")
    story.when(write(NOBODY, "<>")).then_refused("ADDRESS_INVALID", "SENDER_UNKNOWN")
    story.when(write(USAGER, "<>")).then_refused("ADDRESS_INVALID")


@pytest.mark.parametrize(
    "local",
    [
        f"{ins(1)}+tag",
        f"{ins(1)}0",
        f"0{ins(1)}",
        f"x{ins(1)}",
        ins(1)[:13],
        f"{ins(1)[:13]}-{ins(1)[13:]}",
        ".".join(ins(1)[start : start + 3] for start in range(0, 15, 3)),
        f"{ins(1)[:13]}{98 - int(ins(1)[13:]):02}",
        f"usager:{ins(1)}",
    ],
    ids=["tag", "a digit more", "a digit before", "a letter before", "no key", "hyphen", "dots", "wrong key", "colon"],
)
def test_an_ins_is_only_ever_the_whole_local_part_of_an_address(story: Story, local: str) -> None:
    story.when(write(DOCTOR, f"{local}@{PATIENTS}")).then_refused("ADDRESS_INVALID")


def test_nobody_can_forge_a_pseudonym(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER))
    with story.engine.recorder.reading() as look:
        logged = b"".join(data for _, data, _ in look.after(0, 100)).decode()
    pseudonym = next(word for word in logged.split('"') if word.startswith("usager:"))
    story.when(write(pseudonym, DOCTOR)).then_refused("ADDRESS_INVALID")


def test_a_matricule_at_a_professional_domain_is_a_mailbox_like_any_other(story: Story) -> None:
    story.when(write(DOCTOR, f"{ins(1)}@{HOSPITAL}")).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(DOCTOR, f"{ins(1)}@{CABINET}")).then_accepted(ALLOWED)


def test_a_corsican_matricule_is_an_address(story: Story) -> None:
    story.when(write(DOCTOR, f"{corsican_ins(1)}@{PATIENTS}", at=SINCE + 1000 * DAY)).then_refused("RECIPIENT_UNKNOWN")

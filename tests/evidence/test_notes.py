"""Keys, notes and cosignatures are those of C2SP: published examples, and checkpoints that real logs signed."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Checkpoint, Head
from huissier.adapters.evidence.note import LOG, WITNESS, Note, SignerKey, VerifierKey


@dataclass(frozen=True)
class Published:
    """A note and a key that signed it, as others published them."""

    key: str
    note: str


PETER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETERS = Published(  # the example of Go's package sumdb/note
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
)
WITNESSED = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwt\
EroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA2\
3oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7\
sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0\
tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWf\
Bw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe\
/TmN9DAg==
"""
PUBLISHED = {
    "the example of C2SP signed-note": Published(
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "This is an example message.\n\n— example.com/foo"
        " Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
    ),
    "the example of Go": PETERS,
    "a tree head of Go's checksum database": Published(
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n— sum.golang.org"
        " Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n",
    ),
    "a log's checkpoint that witnesses countersigned": Published(
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f", WITNESSED
    ),
    "a witness's countersignature": Published(
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2", WITNESSED
    ),
}

published = pytest.mark.parametrize("one", PUBLISHED.values(), ids=PUBLISHED)


@published
def test_what_others_signed_is_found_right(one: Published) -> None:
    key = VerifierKey.parse(one.key)
    assert key.text == one.key
    assert list(Note.parse(one.note.encode()).signers([key])) == [key]


@published
def test_what_others_signed_is_found_wrong_where_the_text_is_another(one: Published) -> None:
    with pytest.raises(RefusedError, match="is not right"):
        Note.parse(b"x" + one.note.encode()).signers([VerifierKey.parse(one.key)])


def test_a_signing_key_makes_the_published_signature() -> None:
    key = SignerKey.parse(PETER)
    text, _, line = PETERS.note.rpartition("\n\n")
    assert (key.verifier.text, key.secret) == (PETERS.key, PETER)
    assert key.sign(f"{text}\n", 0) == line


def test_a_countersignature_says_when_and_a_log_does_not() -> None:
    log, witness = (VerifierKey.parse(PUBLISHED[name].key) for name in list(PUBLISHED)[-2:])
    signed = Checkpoint.parse(WITNESSED.encode()).signed_by([log, witness])
    assert {key.name: at and at.isoformat() for key, at in signed.items()} == {
        log.name: None,
        witness.name: "2026-05-23T21:50:24+00:00",
    }


def test_every_mangled_verifier_key_is_refused() -> None:
    text = PETERS.key
    for cut in [text[:end] for end in range(len(text))] + [text[start:] for start in range(1, len(text))]:
        with pytest.raises(UnreadableEvidenceError):
            VerifierKey.parse(cut)
    for place, char in enumerate(text):
        with pytest.raises(UnreadableEvidenceError):
            VerifierKey.parse(text[:place] + chr(ord(char) + 1) + text[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, with a right id
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # of a type that nobody knows
    ],
)
def test_a_key_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(UnreadableEvidenceError):
        VerifierKey.parse(text)


def test_a_secret_is_neither_shown_nor_told() -> None:
    assert repr(SignerKey.parse(PETER)) == f"SignerKey({PETERS.key})"
    with pytest.raises(UnreadableEvidenceError) as told:
        SignerKey.parse(PETER.replace("c74f20a3", "c74f20a4"))
    assert "AYEK" not in str(told.value)


NOTE = PETERS.note
MALFORMED = {
    "no signature": "text\n",
    "no empty line": NOTE.replace("\n\n", "\n"),
    "an end cut off": NOTE[:-1],
    "a signature that is no base64": re.sub("x08go/ZJ", "x08go_ZJ", NOTE),
    "a base64 with other spare bits": NOTE.replace("JnAM=", "JnAN="),
    "a line that is no signature": NOTE + "and so on\n",
    "a hyphen for the dash": NOTE.replace("— Peter", "- Peter"),
    "a name of two words": NOTE.replace("— Peter", "— Mr Peter"),
    "a name with a plus": NOTE.replace("— Peter", "— +Peter"),
    "a control character": NOTE.replace("you", "y\tu"),
    "a signature without bytes": NOTE.rpartition("— ")[0] + "— PeterNeumann x08gow==\n",
    "too many signatures": NOTE + NOTE.rpartition("\n\n")[2] * 100,
    "a book": "x" * 1_000_000 + NOTE,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(text: str) -> None:
    with pytest.raises(UnreadableEvidenceError):
        Note.parse(text.encode())


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(UnreadableEvidenceError, match="UTF-8"):
        Note.parse(b"\xff" + NOTE.encode())


LOG_KEY, WITNESS_KEY, STRANGER = (
    SignerKey("log.example", LOG, b"1" * 32),
    SignerKey("witness.example", WITNESS, b"2" * 32),
    SignerKey("log.example", LOG, b"3" * 32),  # of the same name
)
HEAD = Head("log.example", 15, b"r" * 32)


def signed(*keys: SignerKey) -> bytes:
    return f"{HEAD.text}\n{''.join(key.sign(HEAD.text, 1_800_000_000) for key in keys)}".encode()


def test_each_key_that_is_asked_for_must_have_signed() -> None:
    keys = [LOG_KEY.verifier, WITNESS_KEY.verifier]
    assert set(Checkpoint.parse(signed(STRANGER, WITNESS_KEY, LOG_KEY)).signed_by(keys)) == set(keys)
    with pytest.raises(RefusedError, match=r"not signed by witness\.example"):
        Checkpoint.parse(signed(LOG_KEY)).signed_by(keys)
    with pytest.raises(RefusedError, match=r"not signed by log\.example"):
        Checkpoint.parse(signed(STRANGER, WITNESS_KEY)).signed_by(keys)


def test_the_log_itself_must_be_asked_for() -> None:
    for key in (WITNESS_KEY, SignerKey("other.example", LOG, b"1" * 32), SignerKey("log.example", WITNESS, b"1" * 32)):
        with pytest.raises(RefusedError, match="no key of that log"):
            Checkpoint.parse(signed(LOG_KEY, key)).signed_by([key.verifier])


def test_a_log_s_signature_does_not_pass_for_a_witness_s() -> None:
    line = LOG_KEY.sign(HEAD.text, 0)
    as_witness = SignerKey("log.example", WITNESS, b"1" * 32).verifier
    assert Note.parse(f"{HEAD.text}\n{line}".encode()).signers([as_witness]) == {}


@given(st.integers(0, len(signed(LOG_KEY)) - 1), st.integers(0, 7))
def test_a_flipped_bit_of_a_checkpoint_is_never_overlooked(place: int, bit: int) -> None:
    raw = bytearray(signed(LOG_KEY))
    raw[place] ^= 1 << bit
    with pytest.raises((RefusedError, UnreadableEvidenceError)):
        Checkpoint.parse(bytes(raw)).signed_by([LOG_KEY.verifier])


@pytest.mark.parametrize(
    "text", ["log\n5\n", "\n5\n" + "A" * 43 + "=\n", "log\n05\n" + "A" * 43 + "=\n", "log\n-1\n" + "A" * 43 + "=\n"]
)
def test_a_malformed_head_is_refused(text: str) -> None:
    with pytest.raises(UnreadableEvidenceError):
        Checkpoint.parse(f"{text}\n{LOG_KEY.sign(text, 0)}".encode())


def test_lines_behind_the_root_are_signed_and_passed_over() -> None:
    text = f"{HEAD.text}an extension\n"
    checkpoint = Checkpoint.parse(f"{text}\n{LOG_KEY.sign(text, 0)}".encode())
    assert checkpoint.head == HEAD
    assert checkpoint.signed_by([LOG_KEY.verifier]) == {LOG_KEY.verifier: None}

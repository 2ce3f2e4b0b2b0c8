"""Which log belongs to a store: its own, one in a foreign recorder (recognised by its first fact), or an archive's.

A vault without its log would let the engine answer as if nothing had ever happened; a log without its vault would make
strangers of all usagers in it. So a store notes when it is made that its log is elsewhere, and soon after the first
fact which log that is; a store made for an archive's log notes that its vault is elsewhere.
"""

from hashlib import sha256
from typing import Final

from eventsourcing.dcb.api import DCBRecorder

from huissier.adapters.errors import StoreError
from huissier.adapters.log.recorded import events_in
from huissier.adapters.log.session import Session
from huissier.adapters.log.settings import read_setting, write_setting

_NOT_YET: Final = ""


def log_is_elsewhere(session: Session) -> bool:
    """Say whether a store was made for a log in a foreign recorder."""
    return read_setting(session, "log_elsewhere") is not None


def vault_is_elsewhere(session: Session) -> bool:
    """Say whether a store was made for the log of an archive: it may be looked at, and nothing is decided on it."""
    return read_setting(session, "vault_elsewhere") is not None


def mark_without_vault(session: Session) -> None:
    """Note in a new store, for good, that its vault is elsewhere."""
    write_setting(session, "vault_elsewhere", "")


def check_claim(session: Session, is_new: bool, recorder: DCBRecorder | None) -> None:
    """Mark a new store whose log is elsewhere; check for any other that this is its log. Raises `StoreError`."""
    kept = read_setting(session, "log_elsewhere")
    if recorder is None:
        if kept is not None:
            raise StoreError("the log of this store is elsewhere: open it from Python with its recorder")
        return
    first = _first_fact(recorder)
    if is_new:
        if first != _NOT_YET:
            raise StoreError("the recorder holds a log already, and a new store would not know its usagers")
        write_setting(session, "log_elsewhere", _NOT_YET)
    elif kept is None:
        raise StoreError("this store keeps its own log; a foreign recorder needs a new store beside it")
    elif kept not in (_NOT_YET, first):
        raise StoreError("the recorder does not hold the log that this store was made for")


def remember_claim(session: Session, recorder: DCBRecorder) -> None:
    """Note in the store which log is its own, unless that is noted already."""
    if read_setting(session, "log_elsewhere") == _NOT_YET:
        write_setting(session, "log_elsewhere", _first_fact(recorder))


def _first_fact(recorder: DCBRecorder) -> str:
    """Return a digest of the log's first fact, an empty text where there is none."""
    for sequenced in events_in(recorder, limit=1):
        return sha256(sequenced.event.data).hexdigest()
    return _NOT_YET

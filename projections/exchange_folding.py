"""How facts become rows of exchange statistics."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table

from huissier.domain.events import (
    DomainAdmitted,
    MailboxCreated,
    MessageDecided,
    MessageDelivered,
    MessageUndelivered,
    OperatorRegistered,
    StatisticsProduced,
)
from huissier.projections.exchange_ends import Ends
from huissier.projections.exchange_tables import ACCEPTED, RECEIVED, REFUSED, TYPES, Tables
from huissier.projections.places import Named, number_of
from huissier.projections.projection import Entry
from huissier.projections.rows import add_rows

_PIECE: Final = 250  # facts taken at once: as many as a processor's cache has room for

_Rows = dict[Table, list[tuple[Any, ...]]]


def fold(ends: Ends, tables: Tables, connection: Connection, page: Iterable[Entry]) -> None:
    """Add the rows of a page."""
    new: _Rows = {table: [] for table in tables.metadata.tables.values()}
    facts = iter(page)
    piece = list(islice(facts, _PIECE))
    ends.begin_page(connection, piece[0].position)
    last = 0
    while piece:
        ends.learn(connection, piece)
        _fold_piece(ends, tables, piece, new)
        last = piece[-1].position
        piece = list(islice(facts, _PIECE))
    new[tables.addresses] += ends.new_addresses
    new[tables.files] += ends.new_files
    for table, rows in new.items():
        add_rows(connection, table, rows)
    ends.end_page(last)


def _fold_piece(ends: Ends, tables: Tables, piece: Sequence[Entry], new: _Rows) -> None:
    messages, delivered = new[tables.messages], new[tables.delivered]
    for entry in piece:
        event, position = entry.event, entry.position
        match event:
            case MessageDecided():
                _add_message(ends, event, position, messages)
            case MessageDelivered():
                delivered.append((event.sent, ends.number(event.recipient), position))
            case MessageUndelivered():
                new[tables.undelivered].append((event.id, ends.number(event.recipient), position))
            case MailboxCreated():
                ends.create(event.address, event.kind, event.at)
                new[tables.mailboxes].append((event.address, number_of(event.at), TYPES.index(event.kind)))
            case DomainAdmitted() if event.operator is not None or event.hosted is not None:
                ends.name(event.domain, Named(event.at, position, event.operator, event.hosted))
                row = (event.domain, position, number_of(event.at), event.operator, event.hosted)
                new[tables.domains].append(row)
            case OperatorRegistered():
                ends.register(event.operator, event.kind)
                new[tables.operators].append((event.operator, event.kind))
            case StatisticsProduced() if event.final:
                new[tables.produced].append((event.domain, event.month, position, event.position))
            case _:
                pass


def _add_message(ends: Ends, event: MessageDecided, position: int, rows: list[tuple[Any, ...]]) -> None:
    """Add a message's rows: one a recipient, under each held domain at either end."""
    at = event.at
    accepted = RECEIVED if event.final_hop else ACCEPTED
    sender, sender_type, sender_domain = ends.end(event.sender, at)
    for place, verdict in enumerate(event.verdicts):
        recipient, recipient_type, domain = ends.end(verdict.recipient, at)
        outcome = accepted if verdict.accepted else ACCEPTED if verdict.shadow else REFUSED
        for held in (sender_domain,) if domain == sender_domain else (sender_domain, domain):
            if held is not None:
                file = ends.file(held, at)
                rows.append((file, position, place, sender, sender_type, recipient, recipient_type, event.id, outcome))

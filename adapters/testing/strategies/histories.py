"""Whole histories: a set-up that is usually complete, a conversation that usually reaches a usager's answer, and then
anything at all: late commands, repeated ids, odd spellings, wrong certificates.
"""

from typing import Any, Literal

import msgspec
from hypothesis import strategies as st

from huissier.adapters.testing.strategies.chance import often, perhaps
from huissier.adapters.testing.strategies.commands import commands
from huissier.adapters.testing.strategies.mixes import USUAL, Mix
from huissier.adapters.testing.strategies.telling import ANY_TIME, STARTS, STEPS, Telling
from huissier.adapters.testing.strategies.themes import NARROW
from huissier.adapters.testing.strategies.town import (
    LIBERAL,
    MESSAGE_IDS,
    MOMENTS,
    PATIENTS_BOXES,
    PROFESSIONNELS,
    SECRETARY,
)
from huissier.adapters.testing.strategies.worlds import ANY_MOMENT, Body, worlds
from huissier.domain.commands import AnyCommand, ReportDelivery, SubmitMessage


@st.composite
def conversations(draw: st.DrawFn) -> list[Body]:
    """A professionnel writes, the message arrives, the usager answers: usually."""
    usager, professionnel = draw(st.sampled_from(PATIENTS_BOXES)), draw(st.sampled_from(PROFESSIONNELS))
    final_hop = draw(st.booleans())
    first = SubmitMessage(
        id="m-1",
        sender=professionnel,
        recipients=[usager],
        reply_to=draw(perhaps(st.sampled_from((SECRETARY, f"dr.d@{LIBERAL}")))),
        message_id=MESSAGE_IDS[0],
        mss_mes=draw(perhaps(st.just("FIN"))),
        final_hop=final_hop,
    )
    status: Literal["delivered", "undelivered"] = draw(often(st.just("delivered"), st.just("undelivered")))
    arrival = ReportDelivery(id="m-1", recipient=usager, status=status)
    answer = SubmitMessage(
        id="m-2",
        sender=usager,
        recipients=[first.reply_to or professionnel],
        in_reply_to=draw(perhaps(st.just(MESSAGE_IDS[0]))),
    )
    end = SubmitMessage(id="m-3", sender=professionnel, recipients=[usager], subject="[FIN]", final_hop=final_hop)
    parts: list[Body] = [first, answer] if final_hop else [first, arrival, answer]
    return [*parts, end, msgspec.structs.replace(answer, id="m-4")] if draw(st.integers(0, 2)) == 2 else parts


def themes(mix: Mix = USUAL) -> st.SearchStrategy[st.SearchStrategy[Any]]:
    """What a part of a history is about: anything, or few things that meet again and again."""
    anything = commands(mix)
    return st.sampled_from((*(anything,) * 4, *NARROW)) if mix.themes else st.just(anything)


@st.composite
def histories(draw: st.DrawFn, min_size: int = 0, max_size: int = 28, mix: Mix = USUAL) -> list[AnyCommand]:
    """A set-up, then usually a conversation, then `min_size` to `max_size` commands on one theme and another.

    Time mostly goes on; now and then a command comes late.
    """
    history: list[AnyCommand] = draw(worlds(complete=mix.complete))
    opening: list[Body] = draw(often(conversations(), st.just([])))
    start, size, about = draw(STARTS), draw(st.integers(min_size, max_size)), [draw(themes(mix)), draw(themes(mix))]
    moves = [(0, body) for body in opening]
    moves += [(draw(STEPS), draw(about[2 * place // size])) for place in range(size)]
    telling = Telling(len(history), start)
    for step, body in moves:
        another_time = draw(ANY_MOMENT) if step == ANY_TIME else MOMENTS[0]
        history.append(telling.next(body, step, another_time))
    return history

"""A whole log folded: what a read model, or an engine that remembers nothing, has to do."""

from typing import Final

from huissier.adapters.log import codec
from huissier.adapters.log.recorder import SqlRecorder
from huissier.domain.events import AnyEvent
from huissier.domain.facts import Facts
from huissier.domain.tags import TRUST_SPACE, AboutMessage, contacts_of, tags_of
from huissier.domain.timeline import Fact

_PAGE: Final = 100  # few enough to stay in a processor's cache


def fold(recorder: SqlRecorder) -> Facts:
    """Fold every fact into its operators, domains, mailboxes and contacts.

    What became of single submissions is left out, as the engine does not keep it either.
    """
    facts = Facts()
    position = 0
    with recorder.reading() as look:
        while page := look.facts_after(position, _PAGE):
            for position, data in page:
                event = codec.decode(data, position).event
                if kept := _kept(event):
                    facts.learn(facts.not_recalled(kept))
                    facts.add(kept, Fact(event.at, position, event))
    return facts


def _kept(event: AnyEvent) -> list[str]:
    """Name whose lasting state a fact changes."""
    if isinstance(event, AboutMessage):
        return contacts_of(event)
    return [tag for tag in tags_of(event) if tag != TRUST_SPACE]

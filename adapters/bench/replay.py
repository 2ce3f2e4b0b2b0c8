"""A whole log folded: what a read model, or an engine that remembers nothing, has to do."""

from typing import Final

from huissier.adapters.log import codec
from huissier.adapters.log.recorder import SqlRecorder
from huissier.domain.facts import Facts
from huissier.domain.tags import TRUST_SPACE, submission_tag
from huissier.domain.timeline import Fact

_PAGE: Final = 200
_NOT_KEPT: Final = (submission_tag(""), TRUST_SPACE)


def fold(recorder: SqlRecorder) -> Facts:
    """Fold every fact into its operators, domains, mailboxes and contacts.

    What became of single submissions is left out, as the engine does not keep it either.
    """
    facts = Facts()
    position = 0
    with recorder.reading() as look:
        while page := look.after(position, _PAGE):
            for position, data, tags in page:
                event = codec.decode(data, position).event
                for tag in tags:
                    if tag.startswith(_NOT_KEPT):
                        continue
                    if not facts.recall(tag):
                        facts.learn((tag,))
                    facts.add((tag,), Fact(event.at, position, event))
    return facts

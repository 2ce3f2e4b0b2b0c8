"""A whole log folded: what a read model, or an engine that remembers nothing, has to do."""

from typing import Final

from huissier.adapters.log import codec
from huissier.adapters.log.recorder import SqlRecorder
from huissier.domain.facts import Facts
from huissier.domain.tags import TRUST_SPACE, submission_tag

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
                fact = codec.decode_fact(data, position)
                kept = [tag for tag in tags if not tag.startswith(_NOT_KEPT)]
                facts.learn(facts.not_recalled(kept))
                facts.add(kept, fact)
    return facts

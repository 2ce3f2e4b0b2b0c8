"""`huissier audit explain`: why a message was answered as it was."""

from typing import Annotated

import typer

from huissier.adapters.cli.audit.asking import LanguageOption, names_in, read_submission
from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, fail, opened, print_line


def explain(
    context: typer.Context,
    submission: Annotated[str, typer.Argument(help="The message's id; - reads it from standard input.", metavar="ID")],
    lang: LanguageOption = "en",
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say why a message was answered as it was: reasons, rules in force, the facts it rested on, what came after.

    Exit status 1 if no such message was submitted.
    """
    from huissier.adapters.audit.explaining import explain as explained
    from huissier.adapters.audit.explanation_text import text_of
    from huissier.adapters.json_lines import as_json

    id_ = read_submission("ID", submission)
    with opened(context, store, None, create=False) as engine:
        found = explained(engine.log, names_in(engine).submission(id_), lang)
    if found is None:
        fail("no message was submitted under this id", Status.NO)
    for line in [as_json(found)] if json else text_of(found, lang):
        print_line(line)

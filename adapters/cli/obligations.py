"""`huissier obligations`: what operators and mailboxes' holders have not signed."""

from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, PolicyOption, Status, StoreOption, read_moment, read_options
from huissier.adapters.json_lines import as_json
from huissier.adapters.printable import printable
from huissier.domain.vocabulary.times import written

if TYPE_CHECKING:
    from huissier.domain.obligations import CguLacking, InstrumentLacking


def obligations(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(help="As of when, RFC 3339; now by default.", metavar="TIME")] = None,
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Say which operators lack which instrument and which mailboxes have not signed the CGU, and since when.

    Exit status 1 if anything is overdue; what is still to be signed by a later deadline is only shown.
    """
    from huissier.adapters.cli.views import caught_up
    from huissier.domain.rule_set import RuleBook
    from huissier.projections.obligations import Obligations

    moment = read_moment("--at", at)
    rules = RuleBook(read_options(option or [])).at(moment)
    overdue = found = False
    with caught_up(context, store, Obligations) as (_, connection, projection):
        for obligation in projection.lacking(connection, rules, moment):
            found = True
            overdue = overdue or obligation.overdue
            typer.echo(as_json(obligation) if json else printable(_as_text(obligation)))
    if not (found or json):
        typer.echo("Nothing is lacking.")
    if overdue:
        raise typer.Exit(Status.NO)


def _as_text(obligation: "InstrumentLacking | CguLacking") -> str:
    from huissier.domain.obligations import InstrumentLacking

    deadline = "" if obligation.deadline is None else f", deadline {written(obligation.deadline)}"
    state = (
        f"to be signed{deadline}"
        if obligation.since is None
        else f"lacking since {written(obligation.since)}{deadline}"
    )
    if isinstance(obligation, InstrumentLacking):
        version = "" if obligation.referentiel is None else f" for {obligation.referentiel}"
        who = obligation.operator or "no operator"
        return f"{who}: {obligation.instrument}{version} {state}; hosts {', '.join(obligation.domains)}"
    return f"{obligation.mailbox}: CGU {obligation.version} of {obligation.operator} {state}"

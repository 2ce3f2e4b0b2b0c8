"""`huissier check`: may A write to B, and why; nothing is recorded."""

import secrets
from typing import Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, PolicyOption, Status, StoreOption, errors_told, opened, read_option
from huissier.adapters.json_lines import as_json
from huissier.domain.answers import Answer, Verdict, Verdicts
from huissier.domain.commands import SubmitMessage
from huissier.domain.vocabulary.times import parse_time


def check(
    context: typer.Context,
    sender: Annotated[str, typer.Option("--from", help="Who wants to write.", metavar="ADDRESS")],
    to: Annotated[list[str], typer.Option("--to", help="To whom; repeatable.", metavar="ADDRESS")],
    at: Annotated[str | None, typer.Option(help="When, RFC 3339; now by default.", metavar="TIME")] = None,
    in_reply_to: Annotated[str | None, typer.Option(help="Message-ID that is answered.")] = None,
    certificate_dn: Annotated[str | None, typer.Option(help="Name of the peer's certificate.")] = None,
    size: Annotated[int | None, typer.Option(help="Size of the message in bytes.", min=0)] = None,
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether a message would be accepted, with all reasons; record nothing.

    Exit status 0 if it may be sent to every recipient, else 1.
    """
    with errors_told():
        command = SubmitMessage(
            id=f"check-{secrets.token_hex(16)}",  # an id that the log already has would get its first answer
            at=None if at is None else read_option("--at", parse_time, at),
            sender=sender,
            recipients=to,
            in_reply_to=in_reply_to,
            certificate_dn=certificate_dn,
            size=size,
        )
    with opened(context, store, option, create=False) as engine:
        verdicts = engine.check(command)
    typer.echo(_as_json(verdicts) if json else "\n".join(map(verdict_text, verdicts)))
    if verdicts.outcome != "accepted":
        raise typer.Exit(Status.NO)


def _as_json(verdicts: Verdicts) -> str:
    answer = Answer(type="submit-message", outcome=verdicts.outcome, position=None, verdicts=verdicts)
    return as_json(answer)


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict for people, with all its reasons."""
    lines = [f"{verdict.recipient}: {verdict.outcome}"]
    for reason in verdict.reasons:
        lines.append(f"  {reason.code}: {reason.en}")
        lines.append(f"    {reason.fr}")
        lines.append(f"    required by {reason.requirement}")
        if reason.remedy:
            lines.append(f"    to change it: {reason.remedy}")
        if reason.facts:
            lines.append(f"    rests on the facts at {', '.join(map(str, reason.facts))}")
    return "\n".join(lines)

"""`huissier conformance`: whether a gateway, whoever wrote it, answers as it must."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import DecisionHeaderOption, JsonOption, Status, fail, read_option
from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.json_lines import as_json, encode_line

if TYPE_CHECKING:
    from huissier.adapters.conformance.checks import Check, Protocol
    from huissier.adapters.gateway.serving.listening import Address

conformance = typer.Typer(help="Whether a gateway, whoever wrote it, answers as it must.", no_args_is_help=True)

ConnectOption = Annotated[
    str, typer.Option("--connect", help="inet:HOST:PORT or unix:PATH, where it listens.", metavar="ADDRESS")
]
OnlyOption = Annotated[list[str] | None, typer.Option("--only", help="A check's name; repeatable.", metavar="NAME")]
SecondsOption = Annotated[
    float, typer.Option("--timeout", help="Seconds that an answer may take.", min=0.1, max=600, metavar="SECONDS")
]
SessionsOption = Annotated[int, typer.Option("--sessions", help="How many sessions to generate.", min=0, max=100_000)]
SeedOption = Annotated[int, typer.Option("--seed", help="Generates the same sessions for the same number.")]


@conformance.command()
def world() -> None:
    """Print the world that an implementation must have loaded: commands for `huissier apply`, one JSON line each."""
    from huissier.adapters.conformance.world import world as commands

    sys.stdout.buffer.write(b"".join(map(encode_line, commands())))


@conformance.command()
def postfix(
    connect: ConnectOption,
    only: OnlyOption = None,
    timeout: SecondsOption = 10.0,
    sessions: SessionsOption = 100,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Ask a policy service (check_policy_service) as Postfix does, and say which requirement each failure breaks.

    For each run the service must have loaded the commands that `huissier conformance world` prints into an empty
    store; see docs/testing.md for its settings. Exit status 1 if a check fails.
    """
    from huissier.adapters.conformance.running import checks_of

    _run("postfix", connect, only, timeout, checks_of("postfix", sessions=sessions, seed=seed), json)


@conformance.command()
def milter(
    connect: ConnectOption,
    only: OnlyOption = None,
    timeout: SecondsOption = 10.0,
    sessions: SessionsOption = 100,
    seed: SeedOption = 1,
    decision_header: DecisionHeaderOption = DECISION_HEADER,
    json: JsonOption = False,
) -> None:
    """Send mail through a milter (smtpd_milters) as Postfix does, and say which requirement each failure breaks.

    For each run the milter must have loaded the commands that `huissier conformance world` prints into an empty
    store; see docs/testing.md for its settings. Exit status 1 if a check fails.
    """
    from huissier.adapters.conformance.running import checks_of

    checks = checks_of("milter", sessions=sessions, seed=seed, decision_header=decision_header)
    _run("milter", connect, only, timeout, checks, json)


def _run(
    protocol: "Protocol", connect: str, only: list[str] | None, timeout: float, checks: "list[Check]", json: bool
) -> None:
    from huissier.adapters.conformance.running import played

    if unknown := set(only or ()) - {check.name for check in checks}:
        fail(f"--only: no check is called {', '.join(sorted(unknown))}", Status.UNREADABLE)
    wanted = [check for check in checks if not only or check.name in only]
    address = _address(connect)
    _reach(address, timeout)
    failed = 0
    for finding in played(protocol, address, wanted, timeout):
        failed += finding.problem is not None
        if json:
            typer.echo(as_json(finding))
        elif finding.problem is None:
            typer.echo(f"ok    {finding.name}")
        else:
            typer.echo(f"FAIL  {finding.name}\n      {finding.sentence}\n      {finding.problem}")
            typer.echo(f"      breaks: {finding.requirement}")
    if not json:
        typer.echo(f"{len(wanted) - failed} of {len(wanted)} checks hold")
    if failed:
        raise typer.Exit(Status.NO)


def _address(connect: str) -> "Address":
    from huissier.adapters.gateway.serving.listening import parse_address

    return read_option("--connect", parse_address, connect)


def _reach(address: "Address", timeout: float) -> None:
    """End the program if nobody listens, for that breaks no requirement."""
    from huissier.adapters.conformance.wire import Connection, FoundError

    try:
        with Connection(address, timeout):
            pass
    except FoundError as problem:
        fail(f"--connect: {problem}", Status.UNREADABLE)

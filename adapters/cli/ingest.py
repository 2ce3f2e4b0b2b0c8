"""`huissier ingest`: what mail servers tell of deliveries, from reports that came as mail and from a Postfix log."""

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import ESPIPE
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

import typer

from huissier.adapters.cli.shared import (
    STDIN,
    DecisionHeaderOption,
    JsonOption,
    PolicyOption,
    Status,
    StoreOption,
    errors_told,
    fail,
    opened,
    read_option,
    stream_of,
    tell,
    until_ended,
)
from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.errors import StoreError
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.ingest.following import LogFile
    from huissier.adapters.ingest.log_lines import PostfixLog
    from huissier.adapters.ingest.log_times import LogTimes
    from huissier.adapters.ingest.place import Kept
    from huissier.adapters.ingest.recording import Counts, Recording

ingest = typer.Typer(
    help="What mail servers tell of deliveries, recorded about the submissions it can be matched with.",
    no_args_is_help=True,
    epilog=(
        "Exit status: 0 all was taken in, 1 something was kept aside, 2 the input cannot be read,"
        " 3 the store cannot be used, 128 + N ended by signal N with no place kept."
    ),
)

_GATEWAY: Final = re.compile(r"[!-~]{1,300}")
_ASIDE: Final = Path("huissier-aside.jsonl")

GatewayOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gateway", help="Name of the gateway that asked; this machine's by default. Repeatable.", metavar="NAME"
    ),
]
AsideOption = Annotated[
    Path, typer.Option("--aside", help="Where to keep what cannot be matched or read; added to.", metavar="FILE")
]


@ingest.command()
def dsn(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(help="Files of one message or an mbox, or -.", metavar="FILE|-...")],
    gateway: GatewayOption = None,
    decision_header: DecisionHeaderOption = DECISION_HEADER,
    aside: AsideOption = _ASIDE,
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Take in reports of delivery (RFC 3464) and of disposition (RFC 8098).

    A report is about the submission NAME/X-Postfix-Queue-ID, else the one that the decision header names in the headers
    that came back with it, else its Original-Envelope-Id, else NAME/queue id of a Received header. Read twice it
    records nothing twice. Exit status 1 if something was kept aside.
    """
    from huissier.adapters.ingest.reading import take_reports

    with _recording(context, store, option, aside, json) as recording:
        for file in files:
            recording.source = file
            with _told(recording, "message"), stream_of(file) as stream:
                take_reports(recording, stream, _gateways(gateway), decision_header)


@ingest.command("postfix-log")
def postfix_log(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A log, or - for standard input.", metavar="FILE|-")],
    gateway: GatewayOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, across rotation, until stopped.")] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep the place, to go on there; with --follow FILE.huissier-place.", metavar="FILE"
        ),
    ] = None,
    on_the_way: Annotated[
        list[str] | None,
        typer.Option(
            help="A relay as the log names it, such as 127.0.0.1:10024, that only passes messages on.", metavar="RELAY"
        ),
    ] = None,
    year: Annotated[
        int | None,
        typer.Option(help="Of the first time without one; by default the last that is not ahead.", min=1970, max=9999),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Of times without one, such as Europe/Paris; the machine's by default.", metavar="ZONE"),
    ] = None,
    aside: AsideOption = _ASIDE,
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Take in the deliveries that a Postfix log tells: sent, bounced, expired; deferred is not the end.

    A line is about the submission NAME/queue id of one of the gateways. Read twice it records nothing twice. Exit
    status 1 if something was kept aside.
    """
    from huissier.adapters.ingest.log_lines import PostfixLog
    from huissier.adapters.ingest.place import SUFFIX, Kept

    if file == STDIN and (follow or state):
        fail("standard input has no place to go on from: leave out --follow and --state", Status.UNREADABLE)
    keep = state or (Path(f"{file}{SUFFIX}") if follow else None)
    kept = _kept(keep) or Kept()
    times = _times(timezone, year)
    log = PostfixLog(times, _gateways(gateway), on_the_way or (), kept.hops)
    stop = Event()
    with (
        until_ended(stop.set) as ended,
        _recording(context, store, option, aside, json, () if keep else ended) as recording,
    ):
        recording.source = file
        with _told(recording, "line"):
            if file == STDIN:
                _take_pipe(recording, log, stop)
            else:
                source = _log_file(Path(file), stop, kept, follow)
                if kept.day is not None and (source.goes_on or kept.year == year):
                    times.go_on_from(kept.day)
                _take_file(recording, log, source, keep)
    if log.is_strange:
        fail(f"{file}: no line of it is one of a Postfix log", Status.UNREADABLE)


def _gateways(names: list[str] | None) -> list[str]:
    if wrong := [name for name in names or () if not _GATEWAY.fullmatch(name)]:
        fail(f"--gateway: {wrong[0][:100]!a} is no name of a gateway", Status.UNREADABLE)
    return names or [socket.gethostname()]


def _take_pipe(recording: "Recording", log: "PostfixLog", stop: Event) -> None:
    from huissier.adapters.ingest.reading import piped, take_lines

    with stream_of(STDIN) as stream:
        for lines in piped(stream, stop):
            take_lines(recording, log, lines)


def _take_file(recording: "Recording", log: "PostfixLog", file: "LogFile", keep: Path | None) -> None:
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.ingest.reading import take_log

    with progress_bar("ingesting") as bar:
        take_log(recording, log, file, keep=keep, tell=lambda done: bar(done, file.size))


def _log_file(path: Path, stop: Event, kept: "Kept", follow: bool) -> "LogFile":
    from huissier.adapters.ingest.following import LogFile

    def tell_lost(what: str) -> None:
        tell(f"{what}; lines may not have been read: ingest the rotated files once, which does no harm")

    try:
        return LogFile(path, stop, place=kept.place, follow=follow, tell_lost=tell_lost)
    except OSError as problem:
        a_pipe = "; a pipe is read with -" if problem.errno == ESPIPE else ""
        fail(f"{path}: {problem.strerror}{a_pipe}", Status.UNREADABLE)


def _kept(path: Path | None) -> "Kept | None":
    from huissier.adapters.ingest.place import load

    with errors_told():
        return None if path is None else load(path)


def _times(zone: str | None, year: int | None) -> "LogTimes":
    from huissier.adapters.clock import utc_now
    from huissier.adapters.ingest.log_times import LogTimes, parse_zone

    return LogTimes(utc_now, None if zone is None else read_option("--timezone", parse_zone, zone), year)


@contextmanager
def _recording(
    context: typer.Context,
    store: str | None,
    options: list[str] | None,
    path: Path,
    json: bool,
    ended: Sequence[int] = (),
) -> "Iterator[Recording]":
    """Open what a recording needs; in the end say what it came to, and end with the status of that.

    `ended`: the signals by which it was ended before the end of its source, where it does not go on there.
    """
    from huissier.adapters.clock import utc_now
    from huissier.adapters.ingest.aside import Aside
    from huissier.adapters.ingest.recording import Recording

    with opened(context, store, options) as engine, Aside(path, engine.digest) as aside:
        recording = Recording(engine, aside, utc_now)
        yield recording
    counts = recording.counts
    typer.echo(as_json(counts) if json else _summary(counts, path))
    if ended:
        tell(f"{recording.source} was not read to its end: take it in again")
        raise typer.Exit(128 + ended[0])
    if counts.aside:
        raise typer.Exit(Status.NO)


@contextmanager
def _told(recording: "Recording", unit: str) -> Iterator[None]:
    """Tell what ends a reading; all that was taken in before is recorded."""
    try:
        yield
    except StoreError as problem:
        fail(f"{problem}; {recording.counts.lines} {unit}s were read, take {recording.source} in again", Status.STORE)
    except OSError as problem:
        fail(f"{recording.source}: {problem.strerror}", Status.UNREADABLE)


def _summary(counts: "Counts", aside: Path) -> str:
    told = (
        f"{counts.lines:,} read: {counts.delivered:,} delivered, {counts.undelivered:,} not delivered,"
        f" {counts.unchanged:,} known already, {counts.not_final:,} still on their way,"
        f" {counts.from_nobody:,} from nobody, {counts.aside:,} kept aside"
    )
    if not counts.aside:
        return told
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(counts.kept_aside.items()))
    return f"{told}\nkept aside in {aside}: {reasons}"

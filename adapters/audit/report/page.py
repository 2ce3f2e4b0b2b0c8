"""A report as one page of HTML: no script, nothing from elsewhere, everything that is not ours escaped."""

import base64
from collections.abc import Iterator
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from huissier.adapters.audit.lines import outcome_in
from huissier.adapters.audit.report.evidence import Evidence, Proven
from huissier.adapters.audit.report.french import FRENCH, French
from huissier.adapters.audit.report.reporting import Report
from huissier.adapters.audit.report.subject import Subject
from huissier.adapters.audit.report.words import words_in
from huissier.adapters.audit.telling import Language
from huissier.adapters.log.port import Progress
from huissier.adapters.printable import printable
from huissier.domain.answers import Reason
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.times import written


class Upshot(NamedTuple):
    """What the evidence comes to: a colour, and the sentence that says it."""

    kind: Proven
    word: str


def page_of(report: Report, progress: Progress = lambda _done, _of: None) -> Iterator[str]:
    """Yield the page piece by piece while the log is read. Raises `CorruptStoreError`."""
    style = _read("style.css")
    pieces = (
        _environment()
        .get_template("page.html")
        .generate(
            report=report,
            timeline=report.timeline(progress),
            about=list(_about(report.subject, words_in(report.language))),
            upshot=upshot_of(report.evidence),
            words=words_in(report.language),
            language=report.language,
            behind=partial(_behind, language=report.language),
            outcome_in=partial(outcome_in, language=report.language),
            style=Markup(style),  # noqa: S704 our own file
            style_hash=f"sha256-{_base64(sha256(style.encode()).digest())}",
            version=version("huissier"),
        )
    )
    return map(str, pieces)  # `Markup` would escape any text added to it


def upshot_of(evidence: Evidence) -> Upshot:
    """Say what the evidence comes to."""
    if not evidence.checkpoints:
        return Upshot("doubtful", "refused") if evidence.problems else Upshot("not-checked", "unproved")
    if evidence.problems:
        return Upshot("doubtful", "broken")
    return Upshot("signed", "proved") if evidence.is_keyed else Upshot("named", "unkeyed")


def _about(subject: Subject, words: Any) -> Iterator[tuple[str, str]]:
    """Yield what the report is about, each with its name."""
    if subject == Subject():
        yield words["everything"], "–"
    if subject.happened.since is not None:
        yield words["since"], written(subject.happened.since)
    if subject.happened.until is not None:
        yield words["until"], written(subject.happened.until)
    if subject.mailboxes:
        yield words["contact" if len(subject.mailboxes) > 1 else "mailbox"], " – ".join(subject.mailboxes)
    if subject.usager is not None:
        yield words["usager"], f"usager:{subject.usager}"
    if subject.submission is not None:
        yield words["submission"], subject.submission


def _behind(reason: Reason, language: Language) -> French | Reason:
    """Return whatever holds a reason's requirement and remedy in a language."""
    return FRENCH[Code(reason.code)] if language == "fr" else reason


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_for_the_eye,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )
    environment.globals.update(written=written, base64=_base64)
    return environment


def _read(name: str) -> str:
    return files("huissier.adapters.audit.report").joinpath(name).read_text("utf-8")


def _for_the_eye(value: Any) -> Any:
    """Keep control and invisible characters of the log off the page; what is markup already is ours."""
    return printable(value) if type(value) is str else value


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()

"""Writes the tables of `docs/commands.md` from the code: `python -m tests.docs.render_commands`.

What a field is of stands in the Structs; what it means stands here, and a field without a meaning is an error.
"""

from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, inspect

from huissier.domain import commands
from huissier.domain.answers import Answer, Invalid, Reason, Verdict
from huissier.domain.commands import Command
from tests.docs.tables import NONE, Tables, filled, table

PAGE: Final = Path(__file__).parents[2] / "docs" / "commands.md"

COMMANDS: Final[tuple[type[Command], ...]] = tuple(
    value for value in vars(commands).values() if value in get_args(commands.AnyCommand)
)

HEADER: Final = ("Field", "Type", "Default", "Meaning", "Allowed")

# What a field means: by its name, or by command and name where a command differs.
MEANINGS: Final[Mapping[str, str]] = {
    "at": "when it happened; left out, it is now",
    "operator": "the name it was registered under",
    "address": "the mailbox",
    "ins": "whose it is",
    "motive": "why",
    "register-operator.operator": "its name, chosen by you: other commands call it so",
    "register-operator.kind": "whom its mailboxes are for",
    "register-operator.name": "what people call it",
    "instrument": "what it signs",
    "referentiel": "the version it commits to; required with `annexe-2`, not kept with the others",
    "domain": "the domain; upper case and a trailing dot are understood",
    "admit-domain.operator": "who runs it from now on; left out, that does not change",
    "admit-domain.certificate_dns": "distinguished names of certificates, added to those it has",
    "admit-domain.hosted": "whether this installation holds its mailboxes; left out, no at first, then unchanged",
    "withdraw-domain.operator": "who runs it; if that is another one, the command is rejected",
    "withdraw-domain.certificate_dns": "distinguished names of the certificates it loses; left out, it leaves",
    "withdraw-domain.hosted": "not looked at",
    "publish-cgu.version": "its name, such as `2026`",
    "deadline": "until when it is to be signed; left out, it is in force at once",
    "mailbox": "whose holder signs",
    "sign-cgu.version": "one that the operator of the mailbox's domain has published",
    "create-mailbox.address": "on a hosted domain",
    "create-mailbox.kind": "of a person, an organisation, an application, a cabinet",
    "rpps": "RPPS number of the professionnel",
    "adeli": "ADELI number of the professionnel",
    "finess": "FINESS number of the structure",
    "create-mailbox.name": "whose it is",
    "service": "the department it belongs to",
    "secteur": "secteur d'activité of the structure",
    "liste_rouge": "`true` hides it from the directory",
    "oid": "which kind of INS: NIR, NIA, test, demonstration",
    "close-ens.oid": "as in `open-ens`, but not kept",
    "submit-message.id": "chosen by you, one for each message: the same id again gets the first answer",
    "sender": "of the envelope",
    "recipients": "of the envelope",
    "reply_to": "the address in the header `Reply-To` (rule 2)",
    "subject": "only whether it is `[FIN]` is kept (rule 4)",
    "mss_mes": "the header `X-MSS-MES`: `FIN` allows no answer (rule 4)",
    "in_reply_to": "the header `In-Reply-To`; of each Message-ID in it only a digest under the vault's key is kept",
    "message_id": "the header `Message-ID`; only a digest under the vault's key is kept",
    "size": "of the whole message, in bytes; left out, it is not measured (rule 13)",
    "certificate_dn": "the distinguished name in the certificate of whoever delivers; with neither this nor"
    " `certificate_cn`, no certificate is compared (rule 8)",
    "certificate_cn": "its common name, where no more is known; `certificate_dn` comes before it",
    "final_hop": "`true` where you put the message into the mailbox: acceptance is then delivery",
    "stage": "when you ask: see [Stages](#stages)",
    "report-delivery.id": "that of the submission",
    "recipient": "one of the submission's",
    "status": "what became of the message there",
    "cause": "why it could not be delivered; kept with `undelivered`",
    "Answer.type": "that of the command",
    "Answer.id": "that of the submission; of no other command",
    "Answer.outcome": "see [the outcomes](#outcomes)",
    "Answer.position": "where in the log the fact stands, from 1; `null` where nothing was recorded",
    "Answer.verdicts": "of a submission: one for each recipient, in the order of `recipients`",
    "Answer.reasons": "of a rejected command: why",
    "Verdict.recipient": "as the command named it",
    "Verdict.outcome": "for this recipient",
    "Verdict.reasons": "all that hold, the most decisive first; also of what was accepted",
    "Verdict.shadow": "refused on paper only: let it pass ([shadow mode](gateways.md#shadow-mode))",
    "Reason.code": "of a closed list: [all codes](rules.md#reasons)",
    "Reason.requirement": "what demands it",
    "Reason.fr": "one sentence in French",
    "Reason.en": "the same in English",
    "Reason.smtp": "the reply for the client, in ASCII; of refused recipients only",
    "Reason.remedy": "what would have to change; not of what was accepted",
    "Reason.facts": "positions in the log of the facts it rests on",
    "Invalid.outcome": "always",
    "Invalid.line": "its number, counted from 1; blank lines count",
    "Invalid.error": "what is wrong and where; its wording may change",
}

# How a field is written, where its type does not say so.
FORMATS: Final[Mapping[str, str]] = {
    "at": "RFC 3339 with its zone, such as `2026-10-31T09:00:00Z`",
    "address": "one bare address, `local@domain`",
    "mailbox": "one bare address, `local@domain`",
    "sender": "one bare address, `local@domain`",
    "recipients": "one bare address, `local@domain`",
    "recipient": "one bare address, `local@domain`",
    "ins": "an INS with its key, 15 characters; spaces between its groups are understood",
    "referentiel": "such as `1.4` or `1.3.1`",
    "domain": "such as `ch-exemple.mssante.fr`",
    "certificate_dns": "`CN=…,OU=…` or `/C=…/CN=…`",
    "certificate_dn": "`CN=…,OU=…` or `/C=…/CN=…`",
    "deadline": "RFC 3339 with its zone; or a date, which counts to the end of its day in UTC",
    "rpps": "11 digits",
    "adeli": "9 digits, or `2A` or `2B` and 7 digits",
    "finess": "9 digits, or `2A` or `2B` and 7 digits",
    "secteur": "`SA` and two digits, such as `SA33`",
    "oid": "`1.2.250.1.213.1.4.8`, `….9`, `….10`, `….11`",
}


def rendered(page: str) -> str:
    """Return the page with its tables as the code has them now."""
    return filled(page, TABLES)


def all_commands() -> str:
    return "\n\n".join(_section(command) for command in COMMANDS)


def _section(command: type[Command]) -> str:
    tag = command.__struct_config__.tag
    sentence = cleandoc(command.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    fields = table(HEADER, _rows(command, str(tag), without="at"))
    return f"### {tag}\n\n{sentence}\nIn Python: `huissier.{command.__name__}`.\n\n{fields}"


def _rows(struct: type[Struct], prefix: str, *, without: str = "") -> Iterator[tuple[str, ...]]:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    hints = get_type_hints(struct)
    for field in described.fields:
        if field.name != without:
            meaning = MEANINGS.get(f"{prefix}.{field.name}") or MEANINGS[field.name]
            allowed = [*_values(hints[field.name], field.type), FORMATS.get(field.name, "")]
            written = "; ".join(filter(None, allowed)) or NONE
            yield f"`{field.name}`", _type(field.type), _default(field), meaning, written


def _values(hint: Any, kind: inspect.Type) -> Iterator[str]:
    """Yield the allowed values in the order of the code, or the limits."""
    literal = next((one for one in (hint, *get_args(hint)) if get_origin(one) is Literal), None)
    if literal is not None:
        yield ", ".join(f"`{value}`" for value in get_args(literal))
    yield from _limits(_bare(kind))


def _limits(kind: inspect.Type) -> Iterator[str]:
    match kind:
        case inspect.BoolType():
            yield "`true`, `false`"
        case inspect.StrType(min_length=least, max_length=int(most)):
            yield (
                f"{least} to {most:,} characters, none a control character" if least else f"at most {most:,} characters"
            )
        case inspect.ListType(min_length=int(least), max_length=int(most)):
            yield f"{least} to {most:,} strings of {' '.join(_limits(kind.item_type))} each"
        case inspect.IntType(ge=int(least), le=int(most)):
            yield f"{least} to {most:,}"


def _bare(kind: inspect.Type) -> inspect.Type:
    """Return the type that stands beside null."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    (bare,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    return bare


def _type(kind: inspect.Type) -> str:
    bare = _bare(kind)
    return f"{_json(bare)} or null" if bare is not kind else _json(bare)


def _json(kind: inspect.Type) -> str:
    match kind:
        case inspect.StrType() | inspect.LiteralType() | inspect.DateTimeType():
            return "string"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType():
            return "integer"
        case inspect.StructType():
            return f"[{kind.cls.__name__.lower()}](#{kind.cls.__name__.lower()}s)"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {_json(item)}{'' if isinstance(item, inspect.StructType) else 's'}"
        case other:
            raise TypeError(f"say here how a {other} is written in JSON")


def _default(field: inspect.Field) -> str:
    if field.required:
        return "**required**"
    default = field.default_factory() if field.default is NODEFAULT else field.default
    match default:
        case None:
            return NONE
        case bool():
            return f"`{str(default).lower()}`"
        case _:
            return "none" if default in ([], ()) else f"`{default}`"


def _answer(struct: type[Struct]) -> str:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    hints = get_type_hints(struct)
    rows = (
        (
            f"`{field.name}`",
            _type(field.type if field.required else _bare(field.type)),
            "always" if field.required or struct is Invalid else _present(_bare(field.type)),
            MEANINGS[f"{struct.__name__}.{field.name}"],
            " ".join(_values(hints[field.name], field.type)) or NONE,
        )
        for field in described.fields
    )
    return table(("Field", "Type", "Present", "Meaning", "Values"), rows)


def _present(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "where `true`"
        case inspect.VarTupleType():
            return "where there are any"
        case _:
            return "where there is one"


TABLES: Final[Tables] = {
    "at": lambda: table(HEADER, _rows(Command, "")),
    "commands": all_commands,
    "answer": lambda: _answer(Answer),
    "verdict": lambda: _answer(Verdict),
    "reason": lambda: _answer(Reason),
    "invalid": lambda: _answer(Invalid),
}

if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")

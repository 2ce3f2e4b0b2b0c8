"""One self-contained HTML page of exchange statistics: no script, no network, charts in SVG, fit to print."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from huissier.adapters.statistics.gate import passed
from huissier.adapters.statistics.summary import GAP, Summary, written_month
from huissier.projections.exchanges import Totals

_HEIGHT: Final = 120
_BAR: Final = 30
_STEP: Final = 58
_STYLE: Final = """
:root { color-scheme: light; --ink: #1b1f24; --faint: #5b6470; --rule: #d5dae0;
  --delivered: #1f6f54; --undelivered: #b3541e; --accepted: #7fb6a3; --refused: #8a2d3b; }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; overflow-wrap: anywhere; }
p { color: var(--faint); } section { break-inside: avoid; }
figure { margin: .6rem 0; overflow-x: auto; } svg { display: block; font: 11px system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom-color: var(--ink); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.delivered { fill: var(--delivered); background: var(--delivered); }
.undelivered { fill: var(--undelivered); background: var(--undelivered); }
.accepted { fill: var(--accepted); background: var(--accepted); }
.refused { fill: var(--refused); background: var(--refused); }
@media print { body { max-width: none; margin: 0; } svg { max-width: 100%; height: auto; }
  .key, rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
_KEYS: Final = (
    ("delivered", "delivered"),
    ("undelivered", "undelivered"),
    ("accepted", "accepted, nothing reported"),
    ("refused", "refused"),
)


def page_of(summaries: Iterable[Summary], at: str) -> Iterator[str]:
    """Yield the page piece by piece; `at` says when it was made. Raises `GateError`."""
    keys = "".join(f'<span class="key {name}"></span>{text}' for name, text in _KEYS)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n<title>MSSanté exchanges</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>MSSanté exchanges by domain and month</h1>\n"
        f"<p>Made on {escape(at)}. One message to three recipients counts three times; months are those of Paris."
        f"</p>\n<p>{keys}</p>\n"
    )
    empty = True
    for summary in summaries:
        empty = False
        domain = escape(passed(summary.domain, "a domain"))
        yield f"<section>\n<h2>{domain}</h2>\n{_chart(summary, domain)}{_table(summary.months)}</section>\n"
    if empty:
        yield "<p>No exchanges yet.</p>\n"
    yield "</body>\n</html>\n"


def _chart(summary: Summary, domain: str) -> str:
    greatest = max(filter(None, summary.messages), default=1)
    width = _STEP * len(summary.months)
    bars = "".join(
        _gap(place * _STEP) if totals is None else _bar(totals, place * _STEP, greatest)
        for place, totals in enumerate(summary.months)
    )
    return (
        f'<figure><svg role="img" aria-label="Messages of {domain} by month" width="{width}" height="{_HEIGHT + 34}"'
        f' viewBox="0 -16 {width} {_HEIGHT + 34}">\n{bars}</svg></figure>\n'
    )


def _gap(left: int) -> str:
    return f'<text x="{left + _STEP / 2:g}" y="{_HEIGHT}" text-anchor="middle">…<title>{GAP}</title></text>\n'


def _bar(totals: Totals, left: int, greatest: int) -> str:
    """Draw one month: what was delivered at the bottom, what was refused at the top."""
    parts, top, middle = [], float(_HEIGHT), left + _STEP / 2
    for (kind, text), number in zip(_KEYS, _parts_of(totals), strict=True):
        height = _HEIGHT * number / greatest
        top -= height
        parts.append(
            f'<rect class="{kind}" x="{middle - _BAR / 2:g}" y="{top:.2f}" width="{_BAR}" height="{height:.2f}">'
            f"<title>{number:,} {text}</title></rect>\n"
        )
    return (
        f"{''.join(parts)}"
        f'<text x="{middle:g}" y="{top - 4:.2f}" text-anchor="middle">{sum(_parts_of(totals)):,}</text>\n'
        f'<text x="{middle:g}" y="{_HEIGHT + 14}" text-anchor="middle">{written_month(totals.month)}</text>\n'
    )


def _parts_of(totals: Totals) -> tuple[int, int, int, int]:
    waiting = totals.accepted - totals.delivered - totals.undelivered
    return totals.delivered, totals.undelivered, waiting, totals.refused


def _table(months: Sequence[Totals | None]) -> str:
    rows = "".join(map(_row, months))
    names = "".join(f"<th>{name}</th>" for name in ("month", "accepted", "refused", "delivered", "undelivered"))
    return f"<table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"


def _row(totals: Totals | None) -> str:
    if totals is None:
        return f'<tr><td>…</td><td colspan="4">{GAP}</td></tr>\n'
    counts = (totals.accepted, totals.refused, totals.delivered, totals.undelivered)
    return f"<tr><td>{written_month(totals.month)}</td>{''.join(f'<td>{count:,}</td>' for count in counts)}</tr>\n"

"""Reports as mail servers and mail programs write them."""

import base64
import re

from tests.ingest.logs import queue_id

DATE = "Sat, 31 Oct 2026 09:00:05 +0000"


def dsn(
    *recipients: str,
    queue: str | None = None,
    envelope: str | None = None,
    decision: str | None = None,
    received: str | None = None,
    returned: str = "text/rfc822-headers",
    report: str = "message/delivery-status",
    body: str = "",
) -> str:
    """Return a report of delivery; `recipients` are groups of fields, see `about`."""
    per_message = "".join(
        f"{name}: {value}\n"
        for name, value in (
            ("Reporting-MTA", "dns; mx1.ch-exemple.mssante.fr"),
            ("Original-Envelope-Id", envelope),
            ("X-Postfix-Queue-ID", queue),
            ("Arrival-Date", DATE),
        )
        if value
    )
    headers = "".join(
        f"{name}: {value}\n"
        for name, value in (("Received", received), ("X-Huissier-Decision", decision), ("Subject", "Compte rendu"))
        if value
    )
    groups = "\n".join((per_message, *recipients))
    return f"""From: MAILER-DAEMON@mx1.invalid
To: dr.martin@ch-exemple.mssante.fr
Date: {DATE}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain

From the postmaster, to whom it may concern.
{body}
--=_b
Content-Type: {report}

{groups}
--=_b
Content-Type: {returned}

{headers}
--=_b--
"""


def encoded(report: str) -> str:
    """Return a report of delivery with its fields in base64, which RFC 6533 lets be."""
    before, kind, fields, after = re.split(
        r"(Content-Type: message/\S+)\n\n(.*?)(?=\n--=_b)", report, maxsplit=1, flags=re.DOTALL
    )
    told = base64.encodebytes(fields.encode()).decode()
    return f"{before}{kind}\nContent-Transfer-Encoding: base64\n\n{told}{after}"


def about(
    address: str, action: str = "delivered", *, original: str | None = None, last: str | None = None, why: str = ""
) -> str:
    """Return the fields about one recipient."""
    fields = [
        f"Original-Recipient: rfc822;{original}" if original else "",
        f"Final-Recipient: rfc822; {address}",
        f"Action: {action}",
        "Status: 2.0.0" if action == "delivered" else "Status: 5.1.1",
        f"Diagnostic-Code: smtp; {why}" if why else "",
        f"Last-Attempt-Date: {last}" if last else "",
    ]
    return "\n".join(field for field in fields if field) + "\n"


def mdn(address: str, disposition: str, *, decision: str | None = None) -> str:
    """Return a report of what became of a message in its mailbox."""
    returned = f"X-Huissier-Decision: {decision}\n" if decision else "Message-ID: <x@invalid>\n"
    return f"""Received: from a by b with ESMTP id {queue_id(4)}; {DATE}
From: {address}
Date: Thu, 1 Jan 1970 00:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="=_b"

--=_b
Content-Type: text/plain

Read.
--=_b
Content-Type: message/disposition-notification

Reporting-UA: a.invalid; a mail program
Final-Recipient: rfc822;{address}
Original-Message-ID: <x@invalid>
Disposition: manual-action/MDN-sent-manually; {disposition}

--=_b
Content-Type: text/rfc822-headers

{returned}
--=_b--
"""

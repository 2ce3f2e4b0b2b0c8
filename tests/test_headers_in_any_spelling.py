"""However a header is spelt: FIN opens no contact, and what answers one message is not taken to answer another."""

import pytest

from huissier.domain.commands import SubmitMessage
from tests.hospital import DOCTOR, USAGER, hospital, message


@pytest.mark.parametrize(
    "header",
    [
        "<m1@x>", "m1@x", "<m1@x> <m0@x>", "<m0@x>\r\n <m1@x>", "<m1@x> (reply)", "(c)<m1@x>",
        "Your message of Mon <m1@x>", "<m1@\r\n x>", '<"m1"@x>',
    ],
)  # fmt: skip
def test_no_spelling_of_in_reply_to_answers_a_message_that_may_not_be_answered(header: str) -> None:
    with hospital() as engine:
        for number, mss_mes in enumerate((None, "FIN")):
            message_id = f"<m{number}@x>"
            sent = SubmitMessage(
                id=f"s-{number}",
                sender=DOCTOR,
                recipients=[USAGER],
                final_hop=True,
                mss_mes=mss_mes,
                message_id=message_id,
            )
            assert engine.handle(sent).outcome == "accepted"
        answer = SubmitMessage(id="a", sender=USAGER, recipients=[DOCTOR], in_reply_to=header)
        assert [reason.code for reason in engine.handle(answer).verdicts[0].reasons] == ["REPLY_NOT_ALLOWED"]
        other = SubmitMessage(id="b", sender=USAGER, recipients=[DOCTOR], in_reply_to="<m0@x>")
        assert engine.handle(other).outcome == "accepted"


@pytest.mark.parametrize("value", ["FIN", "fin", " FIN\r\n", "FIN;x", "FIN (c)", '"FIN"', "FIN, FIN", "ＦＩＮ"])
def test_no_spelling_of_the_fin_header_opens_a_contact(value: str) -> None:
    with hospital() as engine:
        engine.handle(SubmitMessage(id="s", sender=DOCTOR, recipients=[USAGER], final_hop=True, mss_mes=value))
        assert engine.check(message(1, sender=USAGER, to=DOCTOR)).outcome == "refused"

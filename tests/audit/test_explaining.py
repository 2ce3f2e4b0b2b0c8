"""A decision is explained by its reasons, its rules, and the facts it rested on with what brought them about."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

import huissier
from huissier.adapters.audit.explaining import Explanation, explain
from huissier.adapters.audit.explanation_text import text_of
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.testing import hospital as w
from huissier.domain.commands import SuspendMailbox, WithdrawDomain
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.white_list import WhiteList


@pytest.fixture
def engine() -> Iterator[Engine]:
    with huissier.open("sqlite://", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        yield engine


def explained(engine: Engine, id_: str) -> Explanation:
    found = explain(engine.log, [id_], "en")
    assert found is not None
    return found


def white_list(**pairs: str) -> WhiteList:
    return WhiteList(
        generated_at=w.NOW - timedelta(hours=1),
        sha256="00ff",
        signer="CN=liste",
        rows=len(pairs),
        pairs={f"{name}.mssante.fr": frozenset({CertificateDn.parse(dn)}) for name, dn in pairs.items()},
    )


def test_nobody_explains_what_was_never_submitted(engine: Engine) -> None:
    assert explain(engine.log, ["m-1"], "en") is None


def test_every_recipient_has_all_reasons_with_their_facts(engine: Engine) -> None:
    suspended = engine.handle(SuspendMailbox(address=w.SECRETARIAT, motive="travaux")).position
    answer = engine.handle(w.write(w.DOCTOR, w.SURGEON, w.SECRETARIAT, id="m-1"))
    found = explained(engine, "m-1")
    assert found.decision.position == answer.position
    assert found.verdicts == answer.verdicts
    assert {ground.line.position for ground in found.grounds} == {
        position for verdict in answer.verdicts for reason in verdict.reasons for position in reason.facts
    }
    (ground,) = [ground for ground in found.grounds if ground.line.position == suspended]
    assert ground.line.what == "mailbox suspended: travaux"
    assert ground.brought_by is None
    assert found.later == ()


def test_a_right_to_write_rests_on_a_delivery_and_that_on_its_submission(engine: Engine) -> None:
    sent = engine.handle(w.write(w.DOCTOR, w.USAGER, id="m-1")).position
    arrived = engine.handle(w.received("m-1", w.USAGER)).position
    engine.handle(w.write(w.USAGER, w.DOCTOR, id="m-2"))
    (ground,) = [ground for ground in explained(engine, "m-2").grounds if ground.line.position == arrived]
    assert ground.brought_by is not None
    assert ground.brought_by.position == sent


def test_what_was_reported_later_follows(engine: Engine) -> None:
    engine.handle(w.write(w.DOCTOR, w.SURGEON, w.REMOTE_DOCTOR, id="m-1"))
    engine.handle(w.write(w.DOCTOR, w.SURGEON, id="m-2"))
    engine.handle(w.received("m-1", w.SURGEON))
    engine.handle(w.lost("m-2", w.SURGEON))
    engine.handle(w.lost("m-1", w.REMOTE_DOCTOR))
    assert [line.outcome for line in explained(engine, "m-1").later] == ["delivered", "undelivered"]


def test_a_domain_admitted_by_a_white_list_names_the_list(engine: Engine) -> None:
    others = {"ch-exemple": w.HOSPITAL_DN, "cabinet": w.CABINET_DN, "patient": "CN=mes"}
    report = engine.load_white_list(white_list(**others, nouveau="CN=nouveau", nouvelle="CN=nouvelle"))
    assert report.admitted == 3
    for domain in ("nouveau", "nouvelle"):
        engine.handle(w.write(w.DOCTOR, f"dr.x@{domain}.mssante.fr", id=domain))
        causes = {ground.line.who: ground.brought_by for ground in explained(engine, domain).grounds}
        cause = causes[f"{domain}.mssante.fr"]
        assert cause is not None
        assert cause.kind == "white-list-loaded"
        assert causes[w.HOSPITAL] is None


def test_a_domain_withdrawn_by_a_command_names_no_list(engine: Engine) -> None:
    engine.handle(WithdrawDomain(domain=w.CABINET))
    engine.handle(w.write(w.DOCTOR, w.REMOTE_DOCTOR, id="m-1"))
    assert all(ground.brought_by is None for ground in explained(engine, "m-1").grounds)


def test_the_rules_in_force_stand_with_all_their_options() -> None:
    chosen = huissier.Options(reopening=False, withdrawal_grace_days=30)
    with huissier.open("sqlite://", clock=lambda: w.NOW, options=chosen) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="now"))
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id="then", at=w.moment("2021-06-01")))
        rules = explained(engine, "now").rules
        assert (rules.name, rules.since) == ("1.4+pharmacies", "2023-05-22T00:00:00Z")
        assert rules.chosen == ("reopening", "withdrawal_grace_days")
        assert set(rules.options) == set(huissier.Options.__struct_fields__)
        assert rules.options["reopening"] == "False"
        assert rules.options["withdrawal_grace_days"] == "30"
        assert rules.options["fin_header"] == "no-reply"
        assert rules.options["avenant_for_contracts_before"] == "2020-02-01T00:00:00+00:00"
        assert explained(engine, "then").rules.since == "2021-05-26T00:00:00Z"


def test_a_fact_that_is_missing_is_named(engine: Engine) -> None:
    answer = engine.handle(w.write(w.DOCTOR, w.SURGEON, id="m-1"))
    (reason,) = answer.verdicts[0].reasons
    with engine.recorder.pen() as pen:
        pen.session.run("DELETE FROM events WHERE position = ?", (reason.facts[0],))
    with pytest.raises(CorruptStoreError, match=f"position {reason.facts[0]}"):
        explained(engine, "m-1")


def test_people_read_it_in_french_or_english(engine: Engine) -> None:
    engine.handle(w.write(w.USAGER, w.DOCTOR, "x", id="m-1"))
    french, english = ("\n".join(text_of(explained(engine, "m-1"), language)) for language in ("fr", "en"))
    for text in (french, english):
        assert "L'usager n'a encore reçu aucun message de ce professionnel." in text
        assert "The usager has not yet received a message from this professionnel." in text
        assert "550 5.7.1 CONTACT_NOT_OPENED" in text
        assert "The professionnel must write first" in text
        assert "1.4+pharmacies" in text
    assert "une adresse illisible: refusé" in french
    assert "fin_header=no-reply (par défaut)" in french
    assert "rien n'a été rapporté" in french
    assert "an unreadable address: refused" in english
    assert "Facts the decision rested on\n  none" in english

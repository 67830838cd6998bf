"""Surveys: sent to who has allowed it, answered once by a link, and what the answers come to."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from sqlalchemy import select

import jobs
from app.domains.evaluations.results import nps, percent
from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from app.engine.job import Job
from app.engine.query import Records
from tests import factories
from tests.engine.test_mails import PLACE, post, server  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("send", "send_again"):
        monkeypatch.setattr(queue, name, lambda *_given, **_named: True)


def one(entity: str, record_id: int) -> dict[str, Any]:
    db.session.rollback()
    return Records(registry.current().entity(entity)).get(record_id)


def rows(entity: str) -> list[dict[str, Any]]:
    db.session.rollback()
    return [row for part in Records(registry.current().entity(entity)).stream() for row in part]


def work() -> None:
    while waiting := db.session.scalars(select(Job.id).where(Job.state == "waiting")).all():
        for job_id in waiting:
            jobs.run_job(job_id)
            db.session.rollback()
            job = db.session.get_one(Job, job_id, populate_existing=True)
            assert job.state == "done", job.message


def person(number: int = 0, consent: bool = True, **values: Any) -> int:
    given = {"email": f"p{number}@example.org", **values}
    contact = factories.make("Contact", **given).id
    if consent:
        factories.make("Consent", contact=contact, purpose="survey")
    return int(contact)


def survey(**values: Any) -> int:
    asked = factories.make("Questionnaire").id
    for position, (kind, more) in enumerate([
        ("nps", {}), ("csat", {"needed": False}), ("scale", {"low": 1, "high": 7, "needed": False}),
        ("one", {"choices_text": "价格 | Price\n服务 | Service", "needed": False}),
        ("several", {"choices_text": "电话 | Phone\n邮件 | Mail", "needed": False}),
        ("text", {"needed": False}),
    ]):  # fmt: skip
        factories.make("Question", questionnaire=asked, position=position, kind=kind, **more)
    return int(factories.make("Survey", questionnaire=asked, **values).id)


def mailed(server: Any) -> list[str]:  # noqa: F811
    """The links of the mails that went out, in order."""
    work()
    import email
    import email.policy

    found = []
    for content in server.taken:
        letter = email.message_from_bytes(content, policy=email.policy.default)
        found += re.findall(rf"{PLACE}(/l/\S+)", letter.get_content())  # type: ignore[attr-defined]
    return found


def names(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="(q\d+)"', page)))


def test_from_sending_to_the_results(
    as_admin: Any,
    browser: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    people = [person(number) for number in range(4)]
    survey_id = survey()
    for contact in people:
        factories.make("SurveyInvitation", survey=survey_id, contact=contact)
    links = mailed(server)
    assert len(links) == 4
    assert one("Survey", survey_id)["invited"] is None  # worked out with the first answer
    scores = ["10", "9", "3"]
    for link, score in zip(links, scores, strict=False):
        page = browser(None).get(link)
        fields = names(page.text)
        data = {fields[0]: score, fields[1]: "5", fields[3]: "价格", fields[4]: ["电话", "邮件"],
                fields[5]: "很好"}  # fmt: skip
        assert "服务满意度调查" in page.text
        assert "Price" in browser(None).get(f"{link}?lang=en").text
        assert browser(None).post(link, data=data).status_code == 200
        assert browser(None).post(link, data=data).status_code == 410
    found = one("Survey", survey_id)
    assert (found["invited"], found["answers"], found["response_rate"]) == (4, 3, Decimal("75.0"))
    assert (found["promoters"], found["passives"], found["detractors"]) == (2, 0, 1)
    assert found["nps"] == Decimal("33.3")
    assert found["nps_low"] < found["nps"] < found["nps_high"]
    assert found["csat"] == Decimal("100.0")
    answers = rows("SurveyAnswer")
    assert len(answers) == 15
    assert {tuple(row["chosen"]) for row in answers if row["kind"] == "several"} == {
        ("电话", "邮件")
    }
    states = [row["state"] for row in rows("SurveyInvitation")]
    assert sorted(states) == ["answered", "answered", "answered", "sent"]


def test_a_partial_answer_is_refused_and_nothing_kept(
    as_admin: Any,
    browser: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    factories.make("SurveyInvitation", survey=survey(), contact=person())
    (link,) = mailed(server)
    visitor = browser(None)
    fields = names(visitor.get(link).text)
    page = visitor.post(link, data={fields[1]: "4"})
    assert page.status_code == 422
    assert f'id="q-{fields[0]}-error"' in page.text
    assert rows("SurveyAnswer") == []
    assert visitor.post(link, data={fields[0]: "7"}).status_code == 200


def test_who_is_left_out_and_why(as_admin: Any, post: Any, server: Any) -> None:  # noqa: F811
    survey_id = survey()
    withdrawn = person(1, consent=False)
    moment = datetime.datetime(2026, 3, 6, tzinfo=datetime.UTC)
    factories.make("Consent", contact=withdrawn, purpose="survey", withdrawn_at=moment)
    asked_lately = person(2)
    factories.make("SurveyInvitation", survey=survey(), contact=asked_lately)
    given = {
        withdrawn: "no_consent",
        person(3, consent=False): "no_consent",
        person(4, email=None): "no_address",
        asked_lately: "pause",
        person(5): "sent",
    }
    for contact in given:
        factories.make("SurveyInvitation", survey=survey_id, contact=contact)
    states = {
        row["contact"]: row["state"]
        for row in rows("SurveyInvitation")
        if row["survey"] == survey_id
    }
    assert states == given


def test_without_mail_it_is_said(as_admin: Any) -> None:
    invitation = factories.make("SurveyInvitation", survey=survey(), contact=person())
    assert one("SurveyInvitation", invitation.id)["state"] == "no_mail"


def test_everybody_is_invited_once_by_the_job(
    client: Any,
    app: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        high = factories.make("Customer", value_tier="high").id
        wanted = person(1, customer=high)
        person(2, customer=high)  # not the primary one
        person(3)  # of a customer of no tier
        survey_id = survey(tier="high")
        for _time in range(2):
            assert client.post(f"/survey/{survey_id}/do/send").status_code == 303
            work()
        found = rows("SurveyInvitation")
        assert [(row["contact"], row["state"]) for row in found] == [(wanted, "sent")]
        assert one("Survey", survey_id)["invited"] == 1


def test_a_survey_that_asks_nothing_is_not_sent(client: Any, app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        asked = factories.make("Questionnaire").id
        survey_id = factories.make("Survey", questionnaire=asked).id
        assert client.post(f"/survey/{survey_id}/do/send").status_code == 422
        work()
        assert rows("SurveyInvitation") == []


def test_an_ended_survey_takes_no_answers(
    client: Any,
    browser: Any,
    app: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        survey_id = survey()
        factories.make("SurveyInvitation", survey=survey_id, contact=person())
        (link,) = mailed(server)
    assert client.post(f"/survey/{survey_id}/do/end").status_code == 303
    assert browser(None).get(link).status_code == 410


def test_a_survey_without_its_questionnaire_takes_no_answers_and_says_so(
    as_admin: Any,
    browser: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    survey_id = survey()
    factories.make("SurveyInvitation", survey=survey_id, contact=person(1))
    (link,) = mailed(server)
    with change_set("form") as changes:
        asked = one("Survey", survey_id)["questionnaire"]
        changes.trash(registry.current().entity("Questionnaire"), asked)
    assert browser(None).get(link).status_code == 410
    assert browser(None).post(link, data={"q1": "5"}).status_code == 410
    with pytest.raises(InvalidInput) as caught:
        factories.make("SurveyInvitation", survey=survey_id, contact=person(2))
    assert [problem.field for problem in caught.value.problems] == ["survey"]


def test_what_was_answered_is_not_changed_under_the_answers(client: Any, app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        answer = factories.make("SurveyAnswer")
        question = registry.current().entity("Question")
        asked = one("Question", answer.question_id)["questionnaire"]
        with pytest.raises(InvalidInput), change_set("form") as changes:
            changes.update(question, answer.question_id, {"text_zh": "别的问题"})
        with pytest.raises(InvalidInput), change_set("form") as changes:
            changes.trash(question, answer.question_id)
        with pytest.raises(InvalidInput):
            factories.make("Question", questionnaire=asked)
        with change_set("form") as changes:
            changes.update(question, answer.question_id, {"position": 99})
        assert client.post(f"/questionnaire/{asked}/do/new_version").status_code == 303
        copy = rows("Questionnaire")[0]
        assert copy["name"].endswith(" / 2")
        copied = [row for row in rows("Question") if row["questionnaire"] == copy["id"]]
        assert len(copied) == 1
        with change_set("form") as changes:
            changes.update(question, copied[0]["id"], {"text_zh": "别的问题"})


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("one", {"choices_text": "一个 | one"}, "choices_text"),
        ("several", {}, "choices_text"),
        ("scale", {"low": 5, "high": 5}, "high"),
        ("scale", {}, "high"),
        ("scale", {"low": 0, "high": 50}, "high"),
    ],
)
def test_a_question_that_can_not_be_asked(
    as_admin: Any, kind: str, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        factories.make("Question", kind=kind, **values)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_nps_of_known_numbers() -> None:
    assert nps(0, 0, 0) is None
    assert nps(10, 0, 0)[0] == Decimal("100.0")  # type: ignore[index]
    # p' = 50.75/103, d' = 20.75/103: 29.1 ± 15.0
    assert nps(50, 30, 20) == (Decimal("30.0"), Decimal("14.1"), Decimal("44.2"))


@examples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_nps_lies_in_its_interval(promoters: int, passives: int, detractors: int) -> None:
    found = nps(promoters, passives, detractors)
    if found is None:
        assert promoters + passives + detractors == 0
        return
    point, low, high = found
    assert -100 <= low <= point <= high <= 100
    turned = nps(detractors, passives, promoters)
    assert turned is not None
    assert (turned[1], turned[2]) == (-high, -low)


def test_per_cent() -> None:
    assert percent(1, 8) == Decimal("12.5")
    assert percent(0, 0) is None

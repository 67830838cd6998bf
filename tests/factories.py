"""One factory for each entity, and the people and tables that every test starts with."""

from __future__ import annotations

import datetime
import decimal
import io
import itertools
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from app.engine import files, policy, registry
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.changes import change_set

_numbers = itertools.count(1)

PEOPLE = {
    "admin": ("Admin", "系统", "管理员"),
    "sales": ("Sales", "伟", "张"),
    "sales2": ("Sales", "Grace", "Hopper"),
    "guest": ("Guest", "芳", "李"),
}
"""User name → role, first name, last name."""


def prepare_database(app: Flask) -> None:
    """Tables, search tables, reference data, roles, people."""
    import seeds

    db.create_all()
    create_search_tables()
    seeds.seed(app, demo=False)
    manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
    for name, (role, first, last) in PEOPLE.items():
        manager.add_user(
            name, first, last, f"{name}@example.org", manager.find_role(role), PASSWORD
        )
    db.session.remove()


PASSWORD = "correct horse 7"


def create_search_tables() -> None:
    """Search tables stand outside the migrations: SQLite's are virtual."""
    with policy.acting_as(policy.SYSTEM_VIEWER), db.engine.begin() as connection:
        for definition in registry.refresh({}).entities.values():
            if definition.search_index is not None:
                definition.search_index.create(connection)


def person(username: str) -> StewardUser:
    found = db.session.scalar(select(StewardUser).where(StewardUser.username == username))
    assert found is not None, f"no such person: {username}"
    return found


def user_id(username: str) -> int:
    return person(username).id


def viewer(username: str) -> policy.Viewer:
    return policy.viewer_for(person(username))


# -- values for each entity ----------------------------------------------------------------


def parcel(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "name": f"包裹 {n}",
        "code": f"SKU-{n:05}",
        "pieces": n,
        "weight": decimal.Decimal("1.250"),
        "price": decimal.Decimal("99.50"),
        "price_currency": "CNY",
        "arrived_on": datetime.date(2026, 3, 5),
        "opened_at": datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC),
        "fragile": True,
        "colour": "red",
        "tags": ["急", "fragile"],
        "email": f"parcel{n}@example.org",
        "phone": "010-88880000",
        "website": "https://example.org/parcels",
        "notes": "两行\n文字",
        **values,
    }


def shelf(**values: Any) -> dict[str, Any]:
    return {"name": f"货架 {next(_numbers)}", "colour": "blue", **values}


def filed(content: bytes = b"", name: str = "") -> int:
    """The number of a file that whoever acts has brought."""
    n = next(_numbers)
    name = name or f"{n}.txt"
    return files.put(io.BytesIO(content or f"内容 {n}".encode()), name).id


def leaf(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    if "content" not in values:
        values["content"] = filed(name=f"说明书{n}.txt")
    return {"name": f"说明书{n}.txt", **values}


def crate(**values: Any) -> dict[str, Any]:
    return {"name": f"木箱 {next(_numbers)}", "shelf_colour": "blue", **values}


def deed(**values: Any) -> dict[str, Any]:
    return {"name": f"契约 {next(_numbers)}", **values}


def customer(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {"name": f"测试客户{n}有限公司", "external_code": f"T{n:06}", **values}


def contact(**values: Any) -> dict[str, Any]:
    if "customer" not in values:
        values["customer"] = make("Customer").id
    return {"name": f"王小明{next(_numbers)}", "phone": "010-88880001", **values}


def order(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    if "customer" not in values:
        values["customer"] = make("Customer").id
    return {
        "number": f"O-{n:06}",
        "ordered_on": datetime.date(2026, 3, 5),
        "product": f"净水机 {n} 型",
        "quantity": decimal.Decimal(2),
        "amount": decimal.Decimal("1999.00"),
        "amount_currency": "CNY",
        "state": "completed",
        **values,
    }


def interaction(**values: Any) -> dict[str, Any]:
    if "customer" not in values:
        values["customer"] = make("Customer").id
    return {
        "kind": "visit",
        "channel": "visit",
        "at": datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC),
        "subject": f"季度回访{next(_numbers)}",
        "content": "介绍了新产品",
        "customer_words": "想先试用一个月",
        **values,
    }


def customer_relation(**values: Any) -> dict[str, Any]:
    for name in ("customer", "other"):
        if name not in values:
            values[name] = make("Customer").id
    return {"kind": "partner", "remark": "联合投标", **values}


def plan_rule(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "name_zh": f"回访{n}",
        "name_en": f"Follow-up {n}",
        "tier": "high",
        "every_months": 3,
        "due_days": 20,
        "kind": "call",
        "active": True,
        **values,
    }


def task(**values: Any) -> dict[str, Any]:
    return {
        "subject": f"寄送样品{next(_numbers)}",
        "due_on": datetime.date(2026, 3, 12),
        "state": "open",
        **values,
    }


def choice_option(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "list_name": "toy_grade",
        "value": f"g{n}",
        "label_zh": f"等级{n}",
        "label_en": f"Grade {n}",
        **values,
    }


def custom_field(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "entity": "Parcel",
        "name": f"extra_{n}",
        "kind": "text",
        "label_zh": f"字段{n}",
        "label_en": f"Field {n}",
        **values,
    }


def department(**values: Any) -> dict[str, Any]:
    return {"name": f"部门{next(_numbers)}", **values}


def department_member(**values: Any) -> dict[str, Any]:
    if "department" not in values:
        values["department"] = make("Department").id
    return {"person": new_person(), "duty": "专员", **values}


def team(**values: Any) -> dict[str, Any]:
    return {"name": f"团队{next(_numbers)}", **values}


def team_member(**values: Any) -> dict[str, Any]:
    if "team" not in values:
        values["team"] = make("Team").id
    return {"person": user_id("sales"), **values}


def delegation(**values: Any) -> dict[str, Any]:
    return {
        "absent": user_id("sales"),
        "substitute": user_id("sales2"),
        "first_day": datetime.date(2026, 10, 1),
        "last_day": datetime.date(2026, 10, 8),
        "reason": "国庆休假",
        **values,
    }


def record_share(**values: Any) -> dict[str, Any]:
    if "record" not in values:
        values |= {"entity": "Shelf", "record": make("Shelf").id}
    return {"person": user_id("sales2"), "may_edit": False, **values}


def consent(**values: Any) -> dict[str, Any]:
    if "contact" not in values:
        values["contact"] = make("Contact").id
    return {
        "purpose": "marketing",
        "given_at": datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC),
        "source": "展会登记表",
        "evidence": "签字的登记表",
        **values,
    }


def personal_data_request(**values: Any) -> dict[str, Any]:
    return {
        "kind": "access",
        "asked_by": f"赵先生{next(_numbers)}",
        "received_on": datetime.date(2026, 3, 5),
        "wish": "请告知你们保存了我的哪些信息",
        **values,
    }


def legal_hold(**values: Any) -> dict[str, Any]:
    if "record" not in values:
        values |= {"entity": "Shelf", "record": make("Shelf").id}
    return {"reason": f"合同纠纷{next(_numbers)}", **values}


def pool_rule(**values: Any) -> dict[str, Any]:
    return {"entity": "Shelf", "most_held": 50, "most_a_day": 10, "cooling_days": 7, **values}


def pool_move(**values: Any) -> dict[str, Any]:
    if "record" not in values:
        values |= {"entity": "Shelf", "record": make("Shelf").id}
    return {
        "person": user_id("sales"),
        "kind": "returned",
        "at": datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC),
        "reason": "暂无需求",
        **values,
    }


def saved_view(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {"name": f"视图 {n}", "entity": "Shelf", "address": "/shelf/?f=colour:in:blue", **values}


def calendar_day(**values: Any) -> dict[str, Any]:
    day = datetime.date(2030, 1, 1) + datetime.timedelta(days=next(_numbers))
    return {
        "day": day,
        "kind": "holiday",
        "name_zh": "春节",
        "name_en": "Spring Festival",
        **values,
    }


def office_hours(**values: Any) -> dict[str, Any]:
    n = next(_numbers) % 180
    return {
        "weekday": "6",
        "begins": f"{n // 15:02}:{n % 15 * 4:02}",
        "ends": f"{n // 15:02}:{n % 15 * 4 + 3:02}",
        **values,
    }


def priority_rule(**values: Any) -> dict[str, Any]:
    """The matrix is full from the start: the place of one rule is taken by another."""
    definition = registry.current().entity("PriorityRule")
    with change_set("form") as changes:
        first = changes.session.scalar(select(definition.model).limit(1))
        if first is not None:
            changes.trash(definition, first.id)
            changes.purge(definition, first.id)
            values = {"impact": first.impact, "urgency": first.urgency, **values}
    return {"priority": "high", "impact": "high", "urgency": "high", **values}


def service_level(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "name_zh": f"级别{n}",
        "name_en": f"Level {n}",
        "tier": "high",
        "priority": "urgent",
        "response_minutes": 5,
        "solution_minutes": 60 + n,
        **values,
    }


def queue_lead(**values: Any) -> dict[str, Any]:
    queues = ("first_line", "technical", "billing", "complaints")
    return {"queue": queues[next(_numbers) % 4], "lead": user_id("sales"), **values}


def ticket(**values: Any) -> dict[str, Any]:
    if "customer" not in values:
        values["customer"] = make("Customer").id
    n = next(_numbers)
    return {
        "subject": f"无法登录{n}",
        "description": "输入密码后没有反应",
        "kind": "fault",
        "channel": "phone",
        "requester_name": "王小明",
        "requester_email": f"requester{n}@example.org",
        "impact": "low",
        "urgency": "high",
        "external_number": f"OLD-{n:05}",
        **values,
    }


def ticket_message(**values: Any) -> dict[str, Any]:
    if "ticket" not in values:
        values["ticket"] = make("Ticket").id
    return {"kind": "reply", "text": f"已收到，正在处理{next(_numbers)}", **values}


def evaluation_rule(**values: Any) -> dict[str, Any]:
    return {
        "code": f"T-{next(_numbers)}",
        "name_zh": "测试标准",
        "name_en": "Rules of tests",
        "high_from": decimal.Decimal("1000.00"),
        "high_from_currency": "CNY",
        "middle_from": decimal.Decimal("200.00"),
        "new_months": 1,
        "active_months": 3,
        "dormant_months": 6,
        "high_score": 4,
        **values,
    }


def evaluation_run(**values: Any) -> dict[str, Any]:
    if "ruleset" not in values:
        values["ruleset"] = make("EvaluationRule").id
    return {
        "name": f"评估 {next(_numbers)}",
        "as_of": datetime.date(2022, 6, 30),
        "notes": "按月评估",
        **values,
    }


def evaluation(**values: Any) -> dict[str, Any]:
    for name, entity in (("run", "EvaluationRun"), ("customer", "Customer")):
        if name not in values:
            values[name] = make(entity).id
    return {
        "name": f"评估 {next(_numbers)}",
        "as_of": datetime.date(2022, 6, 30),
        "tier": "high",
        "yearly_amount": decimal.Decimal("600000.00"),
        "gap_mean": decimal.Decimal("12.5"),
        **values,
    }


def questionnaire(**values: Any) -> dict[str, Any]:
    return {
        "name": f"问卷 {next(_numbers)}",
        "title_zh": "服务满意度调查",
        "title_en": "How was our service",
        "intro_zh": "请花一分钟告诉我们。",
        "intro_en": "One minute of your time.",
        **values,
    }


def question(**values: Any) -> dict[str, Any]:
    if "questionnaire" not in values:
        values["questionnaire"] = make("Questionnaire").id
    n = next(_numbers)
    return {
        "position": n,
        "kind": "nps",
        "text_zh": f"您会推荐我们吗 {n}",
        "text_en": f"Would you recommend us {n}",
        "needed": True,
        **values,
    }


def survey(**values: Any) -> dict[str, Any]:
    if "questionnaire" not in values:
        values["questionnaire"] = make("Question").questionnaire_id
    return {"name": f"调查 {next(_numbers)}", "pause_days": 90, "open_days": 30, **values}


def survey_invitation(**values: Any) -> dict[str, Any]:
    for name, entity in (("survey", "Survey"), ("contact", "Contact")):
        if name not in values:
            values[name] = make(entity).id
    return {"name": f"邀请 {next(_numbers)}", "language": "zh", **values}


def survey_answer(**values: Any) -> dict[str, Any]:
    if "invitation" not in values:
        invitation = make("SurveyInvitation")
        values |= {"invitation": invitation.id, "survey": invitation.survey_id}
    if "question" not in values:
        values["question"] = make("Question").id
    return {"name": f"您会推荐我们吗 {next(_numbers)}", "kind": "nps", "score": 9, **values}


def document_class(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "code": f"DC{n}",
        "name_zh": f"类目{n}",
        "name_en": f"Class {n}",
        "retention": "years_10",
        "counted_from": "filing",
        "confidentiality": "internal",
        **values,
    }


def required_paper(**values: Any) -> dict[str, Any]:
    for name in ("document_class", "paper_class"):
        if name not in values:
            values[name] = make("DocumentClass").id
    return {"name_zh": f"验收单{next(_numbers)}", "name_en": "Acceptance paper", **values}


def document(**values: Any) -> dict[str, Any]:
    if "document_class" not in values:
        values["document_class"] = make("DocumentClass").id
    n = next(_numbers)
    return {
        "title": f"销售合同{n}",
        "dated_on": datetime.date(2026, 3, 5),
        "number_elsewhere": f"OLD-HT-{n:05}",
        "parties": ["甲公司", "乙公司"],
        "keywords": ["合同"],
        "place": "3 号柜",
        **values,
    }


def document_version(**values: Any) -> dict[str, Any]:
    if "document" not in values:
        values["document"] = make("Document").id
    return {"comment": f"补充附件{next(_numbers)}", "notes": "法务已看", **values}


def document_file(**values: Any) -> dict[str, Any]:
    if "document_version" not in values:
        values["document_version"] = make("DocumentVersion").id
    n = next(_numbers)
    if "content" not in values:
        values["content"] = filed(f"%PDF-1.7 contract {n}".encode(), f"合同{n}.pdf")
    return {"name": f"合同{n}.pdf", **values}


def fonds(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {"code": f"Q{n}", "name": f"润科第{n}分公司", **values}


def archive_package(**values: Any) -> dict[str, Any]:
    if "fonds" not in values:
        values["fonds"] = make("Fonds").id
    return {"title": f"归档{next(_numbers)}", "by_rule": False, **values}


def archive_item(**values: Any) -> dict[str, Any]:
    """Of a document in force with a version and a file, as only such can be archived."""
    if "package" not in values:
        values["package"] = make("ArchivePackage").id
    if "document" not in values:
        found = make("Document")
        version = make("DocumentVersion", document=found.id)
        make("DocumentFile", document_version=version.id, content=filed())
        definition = registry.current().entity("Document")
        with change_set("test") as changes:
            changes.update(definition, found.id, {"state": "in_review"})
            changes.update(definition, found.id, {"state": "in_force"})
        values["document"] = found.id
    return values


def new_person() -> int:
    """Somebody whom no other test knows; their id."""
    manager: Any = current_app.appbuilder.sm  # type: ignore[attr-defined]
    name = f"person{next(_numbers)}"
    role = manager.find_role("Guest")
    manager.add_user(name, "新", "人", f"{name}@example.org", role, PASSWORD)
    return user_id(name)


FACTORIES = {
    "Department": department,
    "DepartmentMember": department_member,
    "Team": team,
    "TeamMember": team_member,
    "Delegation": delegation,
    "RecordShare": record_share,
    "Parcel": parcel,
    "Shelf": shelf,
    "Leaf": leaf,
    "Crate": crate,
    "Deed": deed,
    "Customer": customer,
    "Contact": contact,
    "Consent": consent,
    "Order": order,
    "Interaction": interaction,
    "CustomerRelation": customer_relation,
    "PlanRule": plan_rule,
    "Task": task,
    "PersonalDataRequest": personal_data_request,
    "LegalHold": legal_hold,
    "CalendarDay": calendar_day,
    "OfficeHours": office_hours,
    "PriorityRule": priority_rule,
    "ServiceLevel": service_level,
    "QueueLead": queue_lead,
    "Ticket": ticket,
    "TicketMessage": ticket_message,
    "PoolRule": pool_rule,
    "PoolMove": pool_move,
    "EvaluationRule": evaluation_rule,
    "EvaluationRun": evaluation_run,
    "Evaluation": evaluation,
    "Questionnaire": questionnaire,
    "Question": question,
    "Survey": survey,
    "SurveyInvitation": survey_invitation,
    "SurveyAnswer": survey_answer,
    "DocumentClass": document_class,
    "RequiredPaper": required_paper,
    "Document": document,
    "DocumentVersion": document_version,
    "DocumentFile": document_file,
    "Fonds": fonds,
    "ArchivePackage": archive_package,
    "ArchiveItem": archive_item,
    "SavedView": saved_view,
    "ChoiceOption": choice_option,
    "CustomField": custom_field,
}
"""Every entity has one; a test fails for an entity without."""


def make(entity: str, /, approved: bool = False, **values: Any) -> Any:
    """A record of the entity, written on the current viewer's behalf."""
    definition = registry.current().entity(entity)
    complete = FACTORIES[definition.name](**values)
    with change_set("form") as changes:
        record = changes.create(definition, complete, approved)
    if definition.options.shapes_registry:
        registry.refresh()
    return record

"""The built-in roles as data: what each may do with which records, and which fields it sees.

`grants` say {entity: {action: scope}} and `fields` {entity: {field: access}}, with `*` for all;
`includes` names roles whose rights this one has as well;
`charts` are those of the first page, as `Entity.chart`, the most wanted first.
`*personal` stands for every field that holds personal data. What an administrator has changed in a
role stays; a later version only adds grants for entities that the role says nothing about, and that
nobody took out of it. What it brings beyond that is offered on the role's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.roles import taken_away

ADMINISTRATOR = "Admin"
SYSTEM_ADMINISTRATOR = "SystemAdmin"
SALES = "Sales"
ACCOUNT_MANAGER = "AccountManager"
SUPPORT = "Support"
FINANCE = "Finance"
DOCUMENT_CONTROLLER = "DocumentController"
ANALYST = "Analyst"
AUDITOR = "Auditor"
PRIVACY_OFFICER = "PrivacyOfficer"
GUEST = "Guest"

_OWN_RECORDS = {
    "read": "own", "create": "own", "update": "own", "delete": "own",
    "import": "own", "export": "own",
}  # fmt: skip
_READ_ALL = {"read": "all"}
_OWN = {"read": "own", "create": "own", "update": "own", "delete": "own"}
_BRANCH = {
    "read": "branch", "create": "branch", "update": "branch", "delete": "own",
    "import": "branch", "export": "branch",
}  # fmt: skip
_SHARING = {"RecordShare": _OWN, "Delegation": _OWN, "Team": _READ_ALL}
"""Sharing a record of theirs for a while, and naming a substitute for a holiday."""

_VIEWS = {"SavedView": _OWN}
_SHARED_VIEWS = {"SavedView": {**_OWN, "create": "branch"}}
"""Views of their own; and those that they share with roles, or with everyone who sees the list."""

_READ_AND_TAKE_OUT = {"read": "all", "export": "all"}
_UNMASK = {"unmask": "all"}
"""For whom now and then needs one masked value for their work: finance, to reach a payer. Document
controllers and guests need none; sales, account managers and support see plainly what is theirs;
auditors see everything, and that is recorded."""
_RUN = {"read": "all", "create": "all", "update": "all", "delete": "all"}
_PROMISES = dict.fromkeys(("PriorityRule", "ServiceLevel", "QueueLead"), _READ_ALL)
_WORK = {"read": "all", "create": "all", "update": "all"}
_KEEP = {**_RUN, "approve": "all", "import": "all", "export": "all"}
_BELONGING = ("DocumentVersion", "DocumentFile")


def _not(scope: str, *levels: str) -> dict[str, Any]:
    """Documents within a scope, but for these levels of confidentiality."""
    return {"scope": scope, "conditions": [f"confidentiality:neq:{level}" for level in levels]}


def _documents(scope: str, actions: tuple[str, ...], *levels: str) -> dict[str, Any]:
    """Documents with what belongs to them; levels that the role does not reach."""
    return {
        "Document": {action: _not(scope, *levels) for action in actions},
        **dict.fromkeys(_BELONGING, dict.fromkeys(actions, scope)),
        "DocumentClass": _READ_ALL,
        "RequiredPaper": _READ_ALL,
    }


_PUBLIC = {"scope": "all", "conditions": ["kind:neq:note"]}
"""Messages without the notes that colleagues write for one another."""
_ORGANISATION = (
    "Department", "DepartmentMember", "Team", "TeamMember", "Delegation",
)  # fmt: skip

ROLES: tuple[Mapping[str, Any], ...] = (
    {
        "name": ADMINISTRATOR,
        "charts": (
            "Customer.status",
            "Customer.tiers",
            "Order.amounts",
            "Ticket.states",
            "Ticket.met",
            "Task.states",
        ),
        "label_zh": "管理员",
        "label_en": "Administrator",
        "purpose_zh": "管理系统和全部数据：审核、彻底删除、用户、角色与字段。",
        "purpose_en": "Runs the system and all data: approval, purging, users, roles and fields.",
        "grants": {"*": {"*": "all"}},
    },
    {
        "name": SYSTEM_ADMINISTRATOR,
        "label_zh": "系统管理员",
        "label_en": "System administrator",
        "purpose_zh": "维护系统运行：用户、组织、字段、选项、任务和定时计划；看不到客户数据。",
        "purpose_en": "Keeps the system running: users, organisation, fields, choices, jobs and"
        " schedules; sees no customer data.",
        "grants": {
            "System": {"read": "all", "update": "all"},
            "User": {"*": "all"},
            **dict.fromkeys(("ChoiceOption", "CustomField", "PoolRule", *_ORGANISATION), _RUN),
            **dict.fromkeys(
                ("CalendarDay", "OfficeHours", "PriorityRule", "ServiceLevel", "QueueLead"), _RUN
            ),
        },
    },
    {
        "name": SALES,
        "charts": ("Customer.status", "Order.amounts", "Task.due", "Task.states"),
        "label_zh": "销售代表",
        "label_en": "Sales representative",
        "purpose_zh": "登记并维护本人负责的客户及其联系人；不能审核和彻底删除。",
        "purpose_en": "Registers and keeps their own customers and contacts; can't approve or purge.",
        "grants": {
            "Customer": {**_OWN_RECORDS, "take": "all"},
            "Contact": _OWN_RECORDS,
            "Consent": {"read": "own", "create": "own", "update": "own"},
            "Order": _OWN_RECORDS,
            "Interaction": _OWN_RECORDS,
            "CustomerRelation": _OWN_RECORDS,
            "PlanRule": _READ_ALL,
            "Task": _OWN_RECORDS,
            "PoolMove": {"read": "own"},
            "Ticket": {"read": "own", "create": "own", "update": "own"},
            "TicketMessage": {"read": "own", "create": "own"},
            **_PROMISES,
            "Evaluation": {"read": "own"},
            "EvaluationRun": _READ_ALL,
            "Survey": _READ_ALL,
            "SurveyInvitation": {"read": "own"},
            "SurveyAnswer": {"read": "own"},
            **_documents("own", ("read", "create", "update"), "confidential", "secret"),
            **_SHARING,
            **_VIEWS,
        },
    },
    {
        "name": ACCOUNT_MANAGER,
        "charts": ("Customer.tiers", "Order.amounts", "Task.owners", "Task.due"),
        "label_zh": "客户经理",
        "label_en": "Account manager",
        "purpose_zh": "负责本部门及下级部门的客户：查看、维护、审核登记。",
        "purpose_en": "Looks after the customers of the department and below: sees, keeps and approves"
        " them.",
        "includes": (SALES,),
        "grants": {
            "Customer": {
                "read": "branch",
                "create": "branch",
                "update": "branch",
                "delete": "own",
                "approve": "branch",
                "import": "branch",
                "export": "branch",
                "take": "all",
            },
            "Contact": {
                "read": "branch",
                "create": "branch",
                "update": "branch",
                "delete": "own",
                "import": "branch",
                "export": "branch",
            },
            "Consent": {"read": "branch", "create": "branch", "update": "branch"},
            "Order": _BRANCH,
            "Interaction": _BRANCH,
            "CustomerRelation": _BRANCH,
            "Task": _BRANCH,
            "PoolMove": {"read": "branch"},
            **_SHARED_VIEWS,
            "Ticket": {
                "read": "branch",
                "create": "branch",
                "update": "branch",
                "export": "branch",
            },
            "TicketMessage": {"read": "branch", "create": "branch"},
            "Evaluation": {"read": "branch", "export": "branch"},
            "SurveyInvitation": {"read": "branch"},
            "SurveyAnswer": {"read": "branch", "export": "branch"},
            **_documents("branch", ("read", "create", "update", "approve"), "secret"),
        },
    },
    {
        "name": SUPPORT,
        "charts": (
            "Ticket.states",
            "Ticket.solution_clocks",
            "Ticket.met",
            "Ticket.solution_times",
        ),
        "label_zh": "客服专员",
        "label_en": "Support agent",
        "purpose_zh": "为客户服务：查看全部客户，维护联系人；看不到采购金额，不能导出。",
        "purpose_en": "Serves customers: sees all of them and keeps their contacts; sees no amounts and"
        " takes nothing out.",
        "grants": {
            "Customer": _READ_ALL,
            "Contact": {"read": "all", "create": "all", "update": "all"},
            "Consent": {"read": "all", "create": "all", "update": "all"},
            "Order": _READ_ALL,
            "CustomerRelation": _READ_ALL,
            "PlanRule": _READ_ALL,
            "Interaction": {"read": "all", "create": "all", "update": "all"},
            "Task": _OWN,
            "Ticket": {**_WORK, "import": "all"},
            "TicketMessage": _WORK,
            **_documents("all", ("read", "create", "update"), "confidential", "secret"),
            "CalendarDay": _READ_ALL,
            "OfficeHours": _READ_ALL,
            **_PROMISES,
            **_SHARING,
            **_VIEWS,
        },
        "fields": {
            "Customer": {"yearly_amount": "hidden", "yearly_amount_currency": "hidden"},
            "Order": {"amount": "hidden", "amount_currency": "hidden"},
            "Contact": {"birthday": "hidden"},
        },
    },
    {
        "name": FINANCE,
        "charts": ("Order.amounts", "Order.states", "Order.average", "Customer.amount"),
        "label_zh": "财务",
        "label_en": "Finance",
        "purpose_zh": "核对客户和金额：查看并导出客户；个人信息脱敏，催款等需要时说明原因后逐项查看。",
        "purpose_en": "Checks customers and amounts: sees and exports customers; personal data masked,"
        " one value shown for a reason, as to reach a payer.",
        "grants": {
            "Customer": {**_READ_AND_TAKE_OUT, **_UNMASK},
            "Contact": {**_READ_ALL, **_UNMASK},
            "Order": {
                "read": "all",
                "create": "all",
                "update": "all",
                "import": "all",
                "export": "all",
            },
            "Task": _OWN,
            **_documents("all", ("read",), "secret"),
            **_VIEWS,
        },
        "fields": {"*": {"*personal": "masked"}, "Contact": {"birthday": "hidden"}},
    },
    {
        "name": DOCUMENT_CONTROLLER,
        "charts": (
            "Document.states",
            "Document.classes",
            "Document.due",
            "Document.missing",
            "Document.reviews",
            "Document.held",
        ),
        "label_zh": "文档管理员",
        "label_en": "Document controller",
        "purpose_zh": "管理文档、类目和归档，设置冻结；为此查看客户、订单和工单，个人信息脱敏，不显示金额。",
        "purpose_en": "Files and keeps documents and their classes, sets holds; sees the customers, orders"
        " and tickets they belong to, personal data masked and no amounts.",
        "grants": {
            "Customer": _READ_ALL,
            "Contact": _READ_ALL,
            "Order": _READ_ALL,
            "Ticket": _READ_ALL,
            "Task": _OWN,
            **dict.fromkeys(("Document", "DocumentVersion", "DocumentFile"), _KEEP),
            **{key: {**_RUN, "export": "all"} for key in ("DocumentClass", "RequiredPaper")},
            "LegalHold": _WORK,
            **dict.fromkeys(("Fonds", "ArchivePackage", "ArchiveItem"), _KEEP),
            **_SHARED_VIEWS,
        },
        "fields": {
            "*": {"*personal": "masked"},
            "Customer": {"yearly_amount": "hidden", "yearly_amount_currency": "hidden"},
            "Order": {"amount": "hidden", "amount_currency": "hidden"},
            "Contact": {"birthday": "hidden"},
            "Document": {"parties": "write"},
        },
    },
    {
        "name": ANALYST,
        "charts": (
            "Customer.tiers",
            "Customer.industry",
            "Ticket.met",
            "EvaluationRun.tiers_up",
        ),
        "label_zh": "服务质量与市场分析",
        "label_en": "Service quality and marketing analyst",
        "purpose_zh": "分析客户和服务：查看并导出全部客户；看不到个人信息。",
        "purpose_en": "Analyses customers and service: sees and exports all customers, but nothing"
        " personal.",
        "grants": {
            "Customer": _READ_AND_TAKE_OUT,
            "Contact": _READ_ALL,
            "Order": _READ_AND_TAKE_OUT,
            "Interaction": _READ_ALL,
            "CustomerRelation": _READ_ALL,
            "Task": _OWN,
            **_SHARED_VIEWS,
            "Ticket": _READ_AND_TAKE_OUT,
            **_PROMISES,
            "EvaluationRule": _RUN,
            "EvaluationRun": {**_RUN, "export": "all"},
            "Evaluation": _READ_AND_TAKE_OUT,
            **{key: {**_RUN, "export": "all"} for key in ("Questionnaire", "Question", "Survey")},
            "SurveyInvitation": {**_RUN, "export": "all"},
            "SurveyAnswer": _READ_AND_TAKE_OUT,
        },
        "fields": {"*": {"*personal": "hidden"}},
    },
    {
        "name": PRIVACY_OFFICER,
        "charts": ("Customer.status", "Customer.province"),
        "label_zh": "个人信息保护专员",
        "label_en": "Privacy officer",
        "purpose_zh": "答复个人信息请求：查看、导出、更正和清除一个人的全部信息，设置冻结。",
        "purpose_en": "Answers personal data requests: sees, takes out, corrects and erases what is held"
        " on one person; sets holds.",
        "grants": {
            "PersonalData": {"read": "all", "export": "all", "delete": "all"},
            "PersonalDataRequest": _RUN,
            "LegalHold": _RUN,
            "Consent": _RUN,
            "Contact": {"read": "all", "update": "all"},
            "Customer": _READ_ALL,
            **_VIEWS,
            "Ticket": {"read": "all", "update": "all"},
            "TicketMessage": {"read": "all"},
            "Document": _READ_ALL,
        },
    },
    {
        "name": AUDITOR,
        "charts": ("Customer.status", "Order.amounts", "Ticket.states", "Ticket.met"),
        "label_zh": "审计员",
        "label_en": "Auditor",
        "purpose_zh": "查看全部数据、变更历史、任务和账号；不能做任何修改。",
        "purpose_en": "Reads all data, history, jobs and accounts; changes nothing.",
        "grants": {"*": _READ_AND_TAKE_OUT},
    },
    {
        "name": GUEST,
        "charts": ("Customer.status", "Customer.province"),
        "label_zh": "只读访客",
        "label_en": "Read-only guest",
        "purpose_zh": "查看全部客户；电话和邮箱脱敏，不显示生日和微信号。",
        "purpose_en": "Sees all customers; phone and e-mail masked, no birthdays or WeChat IDs.",
        "grants": {
            "Customer": {"read": "all"},
            "Contact": {"read": "all"},
            "SavedView": {"read": "own"},
            "Ticket": {"read": "all"},
            "TicketMessage": {"read": _PUBLIC},
            **_documents("all", ("read",), "internal", "confidential", "secret"),
        },
        "fields": {
            "*": {"*personal": "masked"},
            "Contact": {"birthday": "hidden", "wechat": "hidden", "notes": "hidden"},
            "Customer": {"notes": "hidden"},
        },
    },
)

NAMES = ("label_zh", "label_en", "purpose_zh", "purpose_en")


def ensure_roles() -> dict[str, int]:
    """Make the roles that are missing; their ids by name. Commits, as Flask-AppBuilder does."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
    return {
        role["name"]: (manager.find_role(role["name"]) or manager.add_role(role["name"])).id
        for role in ROLES
    }


def grant_rights(session: Session, ids: Mapping[str, int]) -> None:
    """Give the roles what they lack of their rights and names, in the session's transaction."""
    for role in ROLES:
        role_id = ids[role["name"]]
        policy.replace_role(session, role_id, _merged(session, role_id, role))
        profile = session.get(policy.RoleProfile, role_id)
        if profile is None:
            for name in role.get("includes", ()):
                session.add(policy.RoleInclude(role_id=role_id, included_id=ids[name]))
            profile = policy.RoleProfile(role_id=role_id, **{n: role[n] for n in NAMES})
            session.add(profile)
        profile.built_in = built_in(role, ids)


def built_in(role: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    """The role as these data bring it: what resetting it puts back."""
    return {
        **{name: role[name] for name in NAMES},
        "includes": sorted(ids[name] for name in role.get("includes", ())),
        "grants": role["grants"],
        "fields": role.get("fields", {}),
        "charts": list(role.get("charts", ())),
    }


def _merged(session: Session, role_id: int, role: Mapping[str, Any]) -> dict[str, Any]:
    """The role as it stands, with what the data say of entities that it does not mention."""
    grants: dict[str, dict[str, Any]] = {}
    fields: dict[str, dict[str, str]] = {}
    grant, access = policy.RoleGrant, policy.RoleFieldAccess
    for row in session.scalars(select(grant).where(grant.role_id == role_id)):
        given = {"scope": row.scope, "conditions": row.conditions}
        grants.setdefault(row.entity, {})[row.action] = given
    for line in session.scalars(select(access).where(access.role_id == role_id)):
        fields.setdefault(line.entity, {})[line.field] = line.access
    gone = {entity for part in taken_away(session, role_id) for entity, _name in part}
    for entity, actions in role["grants"].items():
        if entity not in gone:
            grants.setdefault(entity, dict(actions))
    for entity, names in role.get("fields", {}).items():
        if entity not in gone:
            fields.setdefault(entity, dict(names))
    return {"grants": grants, "fields": fields}

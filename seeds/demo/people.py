"""The people of the demonstration data: an account for each shipped role but the administrator's.

Nobody can sign in as one of them until somebody gives them a password: `run.py demo --passwords`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.engine.adapters.appbuilder import accounts, passwords
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, write_transaction
from seeds.demo.base import Demo

PEOPLE = (
    # user name, family name, given name, role, department, position
    ("demo.wangmin", "王", "敏", "Sales", "华东销售部", "销售代表"),
    ("demo.liqiang", "李", "强", "Sales", "华东销售部", "销售代表"),
    ("demo.zhanglin", "张", "琳", "Sales", "华南销售部", "销售代表"),
    ("demo.chenjing", "陈", "静", "AccountManager", "销售中心", "客户经理"),
    ("demo.liuyang", "刘", "洋", "Support", "客户服务部", "客服专员"),
    ("demo.zhoujie", "周", "洁", "Support", "客户服务部", "技术支持"),
    ("demo.wufang", "吴", "芳", "Finance", "财务部", "会计"),
    ("demo.xulei", "徐", "磊", "DocumentController", "综合管理部", "文档管理员"),
    ("demo.sunyue", "孙", "悦", "Analyst", "市场部", "服务质量分析"),
    ("demo.zhubin", "朱", "斌", "Auditor", "审计部", "审计员"),
    ("demo.maxin", "马", "欣", "PrivacyOfficer", "综合管理部", "个人信息保护专员"),
    ("demo.gaolei", "高", "雷", "SystemAdmin", "综合管理部", "系统管理员"),
    ("demo.guest", "来", "宾", "Guest", "", ""),
)
DEPARTMENTS = (
    # name, above it, its head
    ("销售中心", "", "demo.chenjing"),
    ("华东销售部", "销售中心", "demo.wangmin"),
    ("华南销售部", "销售中心", "demo.zhanglin"),
    ("客户服务部", "", "demo.liuyang"),
    ("财务部", "", ""),
    ("市场部", "", ""),
    ("审计部", "", ""),
    ("综合管理部", "", ""),
)

UNUSABLE = "!"  # no password has this for its hash


def ensure() -> dict[str, list[int]]:
    """The demo people's ids by role; those that are missing are made, those that left come back."""
    manager: Any = current_app.appbuilder.sm  # type: ignore[attr-defined]
    found: dict[str, list[int]] = {}
    for username, family, given, role, _department, _duty in PEOPLE:
        user = manager.find_user(username=username) or manager.add_user(
            username, given, family, f"{username}@steward.example", manager.find_role(role),
            hashed_password=UNUSABLE,
        )  # fmt: skip
        found.setdefault(role, []).append(int(user.id))
    with write_transaction() as session:
        for user in session.scalars(_all()):
            user.active = True
    return found


def _all() -> Any:
    names = [person[0] for person in PEOPLE]
    return select(StewardUser).where(StewardUser.username.in_(names)).order_by(StewardUser.id)


def give_passwords() -> Mapping[str, str]:
    """New passwords for the demo people, by user name; they are told once and kept nowhere."""
    given = {}
    for user in db.session.scalars(_all()).all():
        given[user.username] = passwords.generate()
        accounts.set_password(user.id, given[user.username])
    return given


def switch_off() -> int:
    """Switch their accounts off: history names them, so they are not taken out. How many."""
    users = [user.id for user in db.session.scalars(_all()) if user.active]
    for user_id in users:
        accounts.close(user_id)
    return len(users)


def write(demo: Demo) -> None:
    """Departments, who belongs to which, and a substitute for a holiday."""
    ids = {user.username: user.id for user in demo.changes.session.scalars(_all())}
    there = demo.held("Department", "name")
    made: dict[str, int] = {}
    for name, above, head in DEPARTMENTS:
        if name not in there:
            values = {"name": name, "parent": made.get(above), "head": ids.get(head)}
            made[name] = demo.create("Department", [values])[0]
    members = demo.held("DepartmentMember", "person")
    rows = [
        {"person": ids[username], "department": made[department], "duty": duty}
        for username, _family, _given, _role, department, duty in PEOPLE
        if department in made and ids[username] not in members
    ]
    demo.create("DepartmentMember", rows)
    if made:
        demo.create("Delegation", [_holiday(demo, ids)])


def _holiday(demo: Demo, ids: Mapping[str, int]) -> dict[str, Any]:
    first = demo.day + datetime.timedelta(days=30)
    return {
        "absent": ids["demo.liqiang"],
        "substitute": ids["demo.wangmin"],
        "first_day": first,
        "last_day": first + datetime.timedelta(days=4),
        "reason": "年假",
    }


__all__ = ["PEOPLE", "ensure", "give_passwords", "switch_off", "write"]

"""Interaction plans to start with, by tier; administrators change them in the browser."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.domains.customers import PlanRule
from app.engine import registry
from app.engine.changes import Changes

_NAMES = (
    "name_zh", "name_en", "tier", "every_months", "due_days", "kind", "channel", "content_zh",
    "content_en",
)  # fmt: skip
PLANS = (
    ("季度拜访", "Quarterly visit", "high", 3, 60, "visit", "visit",
     "上门拜访，了解经营情况、需求变化和对服务的意见。",
     "Visit on site: how business goes, what has changed, what they think of our service."),
    ("每月资讯", "Monthly news", "high", 1, 20, "mail", "wechat",
     "发送产品资讯和行业动态。", "Send product news and news of the trade."),
    ("双月电话回访", "Call every two months", "middle", 2, 40, "call", "phone",
     "电话了解使用情况，介绍线上培训。", "Ask by phone how things go; tell of online training."),
    ("产品资讯", "Product news", "middle", 3, 30, "mail", "email",
     "发送新产品和升级资讯。", "Send news of new products and upgrades."),
    ("每月资料", "Monthly material", "potential", 1, 20, "mail", "email",
     "发送公司和产品资料。", "Send material on the company and its products."),
    ("邀请参加活动", "Invitation to an event", "potential", 6, 90, "event", "phone",
     "邀请参加市场活动或产品体验。", "Invite to an event or a product trial."),
)  # fmt: skip


def write(changes: Changes) -> None:
    """Make the plans that there never were; one that was changed or deleted stays so."""
    definition = registry.current().entity(PlanRule.__name__)
    model: Any = PlanRule
    statement = select(model.name_zh).execution_options(with_trash=True)
    there = set(changes.session.scalars(statement))
    for row in PLANS:
        values = dict(zip(_NAMES, row, strict=True))
        if values["name_zh"] not in there:
            changes.create(definition, values)

"""Reference data of documents: classes to start with, which papers belong with which, and views.

Periods follow what GB/T 18894 and the rules for archives of enterprises (2012, order 10) have: permanent,
30 and 10 years; shorter ones where a law says no more. Administrators change all of it in the browser.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes
from app.engine.policy import WITH_TRASH

_NAMES = ("code", "parent", "name_zh", "name_en", "retention", "counted_from", "confidentiality")
_10, _30, _GOOD = "years_10", "years_30", "permanent"
CLASSES: tuple[tuple[Any, ...], ...] = (
    ("HT", None, "合同协议", "Contracts", _30, "contract_end", "internal"),
    ("HT01", "HT", "销售合同", "Sales contracts", _30, "contract_end", "internal"),
    ("HT02", "HT", "采购合同", "Purchase contracts", _10, "contract_end", "internal"),
    ("HT03", "HT", "保密协议", "Confidentiality agreements", 5, "contract_end", "confidential"),
    ("KH", None, "客户资料", "Customer files", _10, "filing", "internal"),
    ("KH01", "KH", "资质证照", "Licences and certificates", 5, "event", "internal"),
    ("KH02", "KH", "往来函件", "Correspondence", _10, "filing", "internal"),
    ("XM", None, "项目交付", "Delivery", _10, "filing", "internal"),
    ("XM01", "XM", "验收单", "Acceptance papers", _10, "filing", "internal"),
    ("XM02", "XM", "实施记录", "Records of implementation", _10, "filing", "internal"),
    ("FW", None, "服务记录", "Service records", _10, "filing", "internal"),
    ("FW01", "FW", "服务报告", "Service reports", 3, "filing", "internal"),
    ("FW02", "FW", "投诉处理", "Handling of complaints", _10, "filing", "confidential"),
    ("PG", None, "评估调查", "Evaluations and surveys", _10, "filing", "internal"),
    ("PG01", "PG", "评估报告", "Evaluation reports", _10, "filing", "internal"),
    ("PG02", "PG", "调查报告", "Survey reports", 5, "filing", "internal"),
    ("XZ", None, "行政管理", "Administration", _10, "filing", "internal"),
    ("XZ01", "XZ", "会议纪要", "Minutes", _10, "filing", "internal"),
    ("XZ02", "XZ", "规章制度", "Rules and regulations", _GOOD, "filing", "public"),
    ("CW", None, "财务资料", "Finance", _30, "filing", "confidential"),
    ("CW01", "CW", "发票", "Invoices", _30, "filing", "confidential"),
    ("CW02", "CW", "对账单", "Statements of account", _10, "filing", "confidential"),
    ("JM", None, "机密文件", "Secret papers", _GOOD, "filing", "secret"),
)

REQUIRED = (
    ("HT01", "XM01", "验收单", "Acceptance paper"),
    ("HT01", "KH01", "客户资质证照", "The customer's licence"),
    ("FW02", "FW01", "服务报告", "Service report"),
)
"""Class, class of the paper, what it is called."""

VIEWS = (
    ("冻结的文档 Held documents", "/document/?f=held:eq:1"),
    ("期满待鉴定的文档 Documents whose period is over", "/document/?f=state:eq:due"),
    ("缺少材料的文档 Documents with papers missing", "/document/?f=papers:eq:missing"),
    ("复审逾期的文档 Documents with an overdue review", "/document/?f=review_clock:eq:overdue"),
)


def write(changes: Changes) -> None:
    """Put in what there never was; what was changed or deleted stays so."""
    ids = _classes(changes)
    _required(changes, ids)
    there = _held(changes, "SavedView", "name")
    for name, address in VIEWS:
        if name not in there:
            values = {"name": name, "entity": "Document", "address": address, "everyone": True}
            changes.create(registry.current().entity("SavedView"), values)


def _classes(changes: Changes) -> dict[str, int]:
    definition = registry.current().entity("DocumentClass")
    ids = _held(changes, "DocumentClass", "code")
    for row in CLASSES:
        values = dict(zip(_NAMES, row, strict=True))
        if values["code"] in ids:
            continue
        values["parent"] = ids.get(values["parent"])
        if isinstance(values["retention"], int):
            values |= {"retention": "custom", "retention_years": values["retention"]}
        ids[values["code"]] = changes.create(definition, values).id
    return ids


def _required(changes: Changes, ids: dict[str, int]) -> None:
    definition = registry.current().entity("RequiredPaper")
    if _held(changes, "RequiredPaper", "name_zh"):
        return
    for code, paper, name_zh, name_en in REQUIRED:
        if code in ids and paper in ids:
            values = {"document_class": ids[code], "paper_class": ids[paper]}
            changes.create(definition, {**values, "name_zh": name_zh, "name_en": name_en})


def _held(changes: Changes, entity: str, name: str) -> dict[str, int]:
    """What records there are, in the trash too: ids by a field."""
    definition = registry.current().entity(entity)
    model: Any = definition.model
    statement = select(definition.field(name).expression(model), model.id)
    rows = changes.session.execute(statement.execution_options(**{WITH_TRASH: True}))
    return {row[0]: row[1] for row in rows}

"""Documents in every state and class: contracts with their papers, minutes, service reports, holds."""

from __future__ import annotations

import io
from collections import defaultdict
from typing import Any

from sqlalchemy import select

from app.engine import files, registry
from seeds.demo.base import Demo, Values, in_turn

COUNT = 60
STATES = (
    "in_force", "archived", "draft", "in_force", "in_review", "superseded", "in_force", "archived",
    "due", "in_force",
)  # fmt: skip
YEARS_AGO = {"due": 12, "archived": 4, "superseded": 2}
TITLES: tuple[tuple[str, str], ...] = (
    ("HT01", "净水设备销售合同"),
    ("XZ01", "季度经营例会纪要"),
    ("FW01", "设备巡检服务报告"),
    ("KH02", "关于交货日期的函"),
    ("PG01", "客户价值评估报告"),
    ("HT03", "合作保密协议"),
    ("KH01", "营业执照副本"),
    ("CW02", "年度对账单"),
    ("XZ02", "文档管理办法"),
    ("JM", "战略合作备忘录"),
    ("FW02", "投诉处理报告"),
)
CLOSED = ("in_force", "superseded", "archived", "due")
REVIEWS = (30, None, -6, 200)
"""The days from today on which documents in force are to be reviewed."""


def write(demo: Demo) -> None:
    """Documents, with a version and a file each; a hold on one of them."""
    if not demo.has("Document"):
        return
    classes = _classes(demo)
    if not classes:
        return
    rows = [_document(demo, classes, place) for place in range(demo.count(COUNT))]
    rows += _with_its_papers(demo, classes)
    ids = demo.create("Document", rows)
    _versions(demo, ids, rows)
    hold = {"entity": "Document", "record": ids[0], "case": "（2026）示 01 号"}
    demo.create("LegalHold", [{**hold, "reason": "合同履行争议（示例）"}])
    _package(demo)


def _classes(demo: Demo) -> dict[str, int]:
    model: Any = registry.current().entity("DocumentClass").model
    rows = demo.changes.session.execute(select(model.code, model.id))
    return dict(rows.all())


def _document(demo: Demo, classes: dict[str, int], place: int) -> Values:
    code, title = in_turn(TITLES, place)
    state = in_turn(STATES, place)
    customers = demo.made["Customer"]
    customer_id, customer = customers[place * 7 % len(customers)]
    dated = demo.date(365 * YEARS_AGO.get(state, 0) + place % 90 + 1)
    values: Values = {
        "title": f"{title}（{customer['name']}）"[:200],
        "document_class": classes.get(code, next(iter(classes.values()))),
        "state": state,
        "customer": customer_id,
        "owner": in_turn(demo.people("DocumentController", "AccountManager"), place),
        "dated_on": dated,
        "parties": [customer["name"]],
        "keywords": [title],
        "number_elsewhere": f"DEMO-D-{place:05}",
        "place": f"{place % 9 + 1} 号柜",
    }
    if state in ("archived", "due", "superseded"):
        values |= {"retention": "years_10", "counted_from": "filing", "filed_on": dated}
    elif code.startswith("HT"):
        values["contract_ends_on"] = demo.date(-365)
    if state == "in_force":
        values |= _review(demo, place)
    return values


def _review(demo: Demo, place: int) -> Values:
    days = in_turn(REVIEWS, place)
    if days is None:
        return {}
    late = {"review_clock": "overdue", "review_told": 2, "review_alarm_at": None}
    return {"review_on": demo.date(-days), **(late if days < 0 else {})}


def _with_its_papers(demo: Demo, classes: dict[str, int]) -> list[Values]:
    """A contract whose folder, an order, holds all that is required."""
    if not demo.made["Order"] or not {"HT01", "XM01", "KH01"} <= classes.keys():
        return []
    order_id, order = demo.made["Order"][0]
    common = {
        "order": order_id,
        "customer": order["customer"],
        "state": "in_force",
        "dated_on": demo.date(40),
        "owner": demo.people("DocumentController")[0],
    }
    return [
        {
            **common,
            "title": title,
            "document_class": classes[code],
            "number_elsewhere": f"DEMO-{code}",
        }
        for code, title in (("HT01", "年度供货合同"), ("XM01", "供货验收单"), ("KH01", "营业执照"))
    ]


def _versions(demo: Demo, ids: list[int], rows: list[Values]) -> None:
    versions = []
    for document_id, row in zip(ids, rows, strict=True):
        version: Values = {"document": document_id, "number": 1, "comment": "初稿"}
        if row["state"] in CLOSED:
            since = demo.moment((demo.day - row["dated_on"]).days)
            version |= {"in_force": True, "in_force_of": document_id, "in_force_since": since}
        versions.append(version)
    made = demo.create("DocumentVersion", versions)
    contents = [
        {
            "document_version": version_id,
            "document": document_id,
            "name": f"{row['title'][:40]}.txt",
            "content": files.put(io.BytesIO(_text(row).encode()), "示例.txt").id,
        }
        for version_id, document_id, row in zip(made, ids, rows, strict=True)
    ]
    demo.create("DocumentFile", contents)


def _package(demo: Demo) -> None:
    """Documents that wait to be sealed as a package, two at most of each retention period."""
    fonds = {"code": "DEMO", "name": "示例公司档案"}
    about = {"title": "示例归档（待封存）", "by_rule": False}
    package = {**about, "fonds": demo.create("Fonds", [fonds])[0]}
    [package_id] = demo.create("ArchivePackage", [package])
    model: Any = registry.current().entity("Document").model
    free = select(model.id, model.retention).where(
        model.state.in_(("in_force", "superseded")),
        model.papers.is_distinct_from("missing"),
        model.id.in_([document_id for document_id, _row in demo.made["Document"][1:]]),
    )
    chosen: dict[str, list[int]] = defaultdict(list)
    for document_id, retention in demo.changes.session.execute(free.order_by(model.id)):
        chosen[retention].append(document_id)
    items = [one for documents in chosen.values() for one in documents[:2]]
    demo.create("ArchiveItem", [{"package": package_id, "document": one} for one in items])


def _text(row: Values) -> str:
    """What stands in an invented file."""
    return f"{row['title']}\n\n日期：{row['dated_on']}\n本文件为示例，内容均为虚构。\n"

"""Relations between demo customers: groups of companies, partners, and who referred whom."""

from __future__ import annotations

from seeds.demo.base import Demo, Values, in_turn

KINDS = ("parent", "partner", "referrer", "subsidiary", "referred")
COUNT = 30
REMARKS = {"parent": "全资子公司", "partner": "联合投标", "referrer": "展会上介绍"}


def write(demo: Demo) -> None:
    """Each of a pair of their own, so that no company is its own parent."""
    if not demo.has("CustomerRelation"):
        return
    companies = [i for i, v in demo.made["Customer"] if v["customer_type"] == "enterprise"]
    demo.dice("relations").shuffle(companies)
    rows: list[Values] = []
    for place in range(min(demo.count(COUNT), len(companies) // 2)):
        kind = in_turn(KINDS, place)
        one, other = companies[2 * place : 2 * place + 2]
        rows.append({"customer": one, "other": other, "kind": kind, "remark": REMARKS.get(kind)})
    demo.create("CustomerRelation", rows)

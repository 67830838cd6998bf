"""Requests of persons about their data: of each kind, late, due, answered and refused."""

from __future__ import annotations

from seeds.demo.base import Demo, Values, in_turn

KINDS = ("access", "correction", "erasure", "withdrawal", "other")
STATES = ("open", "open", "done", "refused", "open")
DAYS_AGO = (2, 9, 40, 60, 19)
ASKERS = ("赵先生", "钱女士", "孙先生", "李女士", "周先生")
WISHES = (
    "请告知贵公司保存了我的哪些信息。",
    "我的手机号码已更换，请更正。",
    "请删除我的联系方式。",
    "不再同意接收营销短信。",
    "请说明我的信息提供给了哪些单位。",
)


def write(demo: Demo) -> None:
    """Given to the demo's privacy officer."""
    handlers = demo.people("PrivacyOfficer")
    rows: list[Values] = []
    for place, kind in enumerate(KINDS):
        closed = STATES[place] != "open"
        rows.append({
            "kind": kind,
            "asked_by": ASKERS[place],
            "received_on": demo.date(DAYS_AGO[place]),
            "wish": WISHES[place],
            "state": STATES[place],
            "handler": in_turn(handlers, place) if handlers else None,
            "done_on": demo.date(DAYS_AGO[place] - 5) if closed else None,
            "done": "已核实身份并书面答复。" if closed else None,
        })  # fmt: skip
    demo.create("PersonalDataRequest", rows)

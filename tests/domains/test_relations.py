"""Relations between customers: said once, no loops, both sides with the right word, nothing unseen drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine import policy, registry
from app.engine.changes import change_set, rehearsal, undo
from app.engine.changes.merging import merge
from app.engine.errors import InvalidInput
from app.engine.query import Records
from app.engine.surfaces import graph
from tests.factories import make, user_id, viewer

Open = Callable[..., Any]


def customer(**values: Any) -> int:
    return int(make("Customer", approved=True, **values).id)


def related(one: int, kind: str, other: int) -> None:
    make("CustomerRelation", customer=one, kind=kind, other=other)


def refused(one: int, kind: str, other: int) -> str:
    with pytest.raises(InvalidInput) as wrong:
        related(one, kind, other)
    (problem,) = wrong.value.problems
    assert problem.field == "other"
    return str(problem.message)


def drawn(page: str) -> dict[str, Any]:
    found = re.search(r'data-graph="([^"]*)"', page)
    return json.loads(unescape(found.group(1))) if found else {"nodes": [], "links": []}


def words(page: str) -> list[list[str]]:
    """The table's lines, each as its texts."""
    lines = re.findall(r"<tr data-href=.*?</tr>", page, re.DOTALL)
    return [
        [
            unescape(re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<td.*?</td>", line)
        ]
        for line in lines
    ]


@pytest.mark.usefixtures("as_admin")
class TestRules:
    """What may be said of two customers."""

    def test_nobody_is_related_to_itself(self) -> None:
        one = customer()
        assert refused(one, "partner", one)

    def test_a_relation_is_said_once_from_whichever_side(self) -> None:
        one, other = customer(), customer()
        related(one, "parent", other)
        assert refused(one, "parent", other)
        assert refused(other, "subsidiary", one)
        related(one, "partner", other)
        assert refused(other, "partner", one)

    def test_a_subsidiary_is_never_above_its_parent(self) -> None:
        first, second, third = customer(), customer(), customer()
        related(second, "parent", first)
        related(second, "subsidiary", third)
        assert refused(first, "parent", third)
        assert refused(third, "subsidiary", first)
        assert refused(first, "parent", second)
        related(third, "parent", first)  # a joint venture has two

    def test_no_way_of_saying_it_makes_a_loop(self) -> None:
        @settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
        @given(
            st.lists(
                st.tuples(st.integers(0, 4), st.sampled_from(["parent", "subsidiary"]),
                          st.integers(0, 4)),
                max_size=12,
            )
        )  # fmt: skip
        def tried(steps: list[tuple[int, str, int]]) -> None:
            above: dict[int, set[int]] = {n: set() for n in range(5)}

            def ancestors(of: int) -> set[int]:
                return above[of] | {far for near in above[of] for far in ancestors(near)}

            with rehearsal("form"):
                ids = [customer() for _one in range(5)]
                for one, kind, other in steps:
                    child, parent = (one, other) if kind == "parent" else (other, one)
                    fine = child != parent and child not in ancestors(parent)
                    fine = fine and parent not in above[child]
                    try:
                        related(ids[one], kind, ids[other])
                    except InvalidInput:
                        assert not fine
                    else:
                        assert fine
                        above[child].add(parent)

        tried()


def test_each_side_reads_the_right_word(client: Any) -> None:
    with policy.acting_as(viewer("admin")):
        mother, child = customer(name="母公司"), customer(name="子公司")
        related(child, "parent", mother)
    here = client.get(f"/customer/{child}/graph").get_data(as_text=True)
    there = client.get(f"/customer/{mother}/graph").get_data(as_text=True)
    assert words(here) == [["子公司", "Parent company", "母公司"]]
    assert words(there) == [["母公司", "Subsidiary", "子公司"]]
    assert drawn(here)["links"][0]["word"] == "Parent company"
    page = client.get(f"/customer/{child}").get_data(as_text=True)
    assert f'hx-get="/customer/{child}/graph"' in page


def test_who_may_not_be_seen_is_not_drawn_and_leads_nowhere(browser: Open, app: Any) -> None:
    with policy.acting_as(viewer("admin")):
        sales = user_id("sales")
        mine = customer(name="甲方", account_manager=sales)
        hidden = customer(name="看不到的乙方", account_manager=user_id("sales2"))
        behind = customer(name="丙方", account_manager=sales)
        seen = customer(name="丁方", account_manager=sales)
        related(mine, "partner", hidden)
        related(hidden, "partner", behind)
        related(mine, "partner", seen)
    page = browser("sales").get(f"/customer/{mine}/graph").get_data(as_text=True)
    assert {node["name"] for node in drawn(page)["nodes"]} == {"甲方", "丁方"}
    assert "看不到的乙方" not in page
    assert "丙方" not in page


def test_a_large_graph_stops_and_says_so(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MOST_NODES", 4)
    with policy.acting_as(viewer("admin")):
        hub = customer()
        for _one in range(6):
            related(hub, "partner", customer())
    page = client.get(f"/customer/{hub}/graph").get_data(as_text=True)
    assert len(drawn(page)["nodes"]) == 4
    assert "At most 4 are shown; there are more." in page


class TestMerging:
    """Customers that were entered twice are merged, whatever they were said to be to one another."""

    def test_what_was_said_of_the_two_goes_and_comes_back_with_undo(self, as_admin: Any) -> None:
        one, same, other = customer(), customer(), customer()
        related(one, "parent", same)
        related(one, "partner", other)
        related(other, "partner", same)
        related(same, "referrer", other)
        before = kept()
        with change_set("form") as changes:
            merge(changes, registry.current().entity("Customer"), one, [same])
        assert kept() == {(one, "partner", other), (one, "referrer", other)}
        undo(changes.id)
        assert kept() == before

    def test_of_two_copies_that_say_the_same_one_link_stays(self, as_admin: Any) -> None:
        one, *copies, other = (customer() for _number in range(4))
        for copy in copies:
            related(copy, "subsidiary", other)
        with change_set("form") as changes:
            merge(changes, registry.current().entity("Customer"), one, copies)
        assert kept() == {(one, "subsidiary", other)}

    def test_nobody_becomes_their_own_grandparent_by_a_merge(self, as_admin: Any) -> None:
        one, same, between = customer(), customer(), customer()
        related(one, "parent", between)
        related(between, "parent", same)
        with pytest.raises(InvalidInput), change_set("form") as changes:
            merge(changes, registry.current().entity("Customer"), one, [same])


def kept() -> set[tuple[int, str, int]]:
    rows = Records(registry.current().entity("CustomerRelation")).page(50).rows
    return {(row["customer"], row["kind"], row["other"]) for row in rows}

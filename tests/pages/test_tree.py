"""A tree of records with counts: every number opens its records, and only what one may see counts."""

from __future__ import annotations

import re
from typing import Any

from app.engine import policy
from app.engine.changes import change_set
from app.engine.registry import current
from tests.factories import make, viewer


def plant() -> tuple[Any, Any, Any]:
    with policy.acting_as(viewer("admin")):
        top = make("DocumentClass", code="T1", name_zh="合同", name_en="Top branch")
        below = make(
            "DocumentClass", code="T11", name_zh="下级类目", name_en="Lower branch", parent=top.id
        )
        other = make("DocumentClass", code="T2", name_zh="纪要", name_en="Other branch")
        make("Document", document_class=top.id)
        for _number in range(2):
            make("Document", document_class=below.id, confidentiality="public")
    return top, below, other


def links(page: str) -> dict[str, str]:
    """The numbers that are links, by where they lead."""
    found = re.findall(r'<a href="(/document/\?[^"]+)"[^>]*>(\d+)</a>', page)
    return {href.replace("&amp;", "&"): number for href, number in found}


def opened(client: Any, href: str) -> int:
    page = client.get(href).get_data(as_text=True)
    return len(set(re.findall(r'data-href="(/document/\d+)"', page)))


def test_every_number_opens_its_records(client: Any) -> None:
    top, below, _other = plant()
    page = client.get("/document_class/tree").get_data(as_text=True)
    assert page.index("Top branch") < page.index("Lower branch") < page.index("Other branch")
    found = links(page)
    assert sorted(found.values()) == ["1", "2", "3"]
    for href, number in found.items():
        assert opened(client, href) == int(number), href
    assert any(f"{top.id}%2C{below.id}" in href or f"{top.id},{below.id}" in href for href in found)


def test_it_speaks_the_readers_language(client: Any) -> None:
    plant()
    page = client.get("/document_class/tree", headers={"Accept-Language": "zh"})
    assert "下级类目" in page.get_data(as_text=True)


def test_only_what_one_may_see_is_counted(browser: Any) -> None:
    plant()
    found = links(browser("guest").get("/document_class/tree").get_data(as_text=True))
    assert set(found.values()) == {"2"}


def test_filters_narrow_what_is_counted(client: Any) -> None:
    plant()
    found = links(
        client.get("/document_class/tree?f=confidentiality:eq:internal").get_data(as_text=True)
    )
    assert set(found.values()) == {"1"}
    for href in found:
        assert opened(client, href) == 1


def test_the_number_of_statements_does_not_grow(client: Any, statements: Any) -> None:
    top, _below, _other = plant()
    client.get("/document_class/tree")
    with statements() as few:
        client.get("/document_class/tree")
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        above = top.id
        for n in range(40):
            values = {"code": f"X{n}", "name_zh": f"类{n}", "name_en": f"C{n}", "parent": above}
            one = changes.create(current().entity("DocumentClass"), values)
            above = one.id if n % 5 else top.id
    with statements() as many:
        client.get("/document_class/tree")
    assert len(many) == len(few)


def test_what_is_no_tree_has_none(client: Any) -> None:
    assert client.get("/customer/tree").status_code == 404
    assert client.get("/department/tree").status_code == 200
    assert "/document_class/tree" in client.get("/document_class/").get_data(as_text=True)

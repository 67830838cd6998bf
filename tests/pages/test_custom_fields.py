"""Fields of one's own: added in the browser, and at once on every surface, in every process."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prison
import pytest

from app import create_app
from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.fields import SIMPLE_TYPES
from app.engine.query import Records
from config import Settings
from tests import factories

SAMPLES: dict[str, tuple[str, str, str, str]] = {
    # type: typed in the form, as a filter, as it is shown, other value typed later
    "text": ("靛蓝文字", "eq:靛蓝文字", "靛蓝文字", "另一个"),
    "long_text": ("两行\n描述", "ct:描述", "描述", "别的"),
    "integer": ("4711", "ge:4700", "4,711", "3"),
    "decimal": ("12.5", "eq:12.50", "12.50", "1"),
    "money": ("8800", "ge:8000", "8,800.00", "1"),
    "date": ("2026-03-05", "month:2026-03", "Mar 5, 2026", "2025-01-01"),
    "datetime": ("2026-03-05T14:30", "ge:2026-03-05", "Mar 5, 2026", "2025-01-01T00:00"),
    "boolean": ("1", "eq:1", "Yes", "0"),
    "choice": ("晴", "in:晴", "Sunny", "雨"),
    "tags": ("独特标签", "ct:独特标签", "独特标签", "别的"),
    "email": ("odd@example.org", "ct:odd@", "odd@example.org", "b@example.org"),
    "phone": ("021-55554444", "eq:021-55554444", "021-55554444", "021-11112222"),
    "url": (
        "https://example.org/odd",
        "sw:https://example.org/odd",
        "example.org/odd",
        "https://example.org/b",
    ),
}

SEARCHED = {
    "text": "靛蓝", "long_text": "描述", "integer": "4711", "choice": "Sunny", "tags": "独特",
    "email": "odd", "phone": "55554444", "url": "odd",
}  # fmt: skip
"""What finds the record by the field, for types that are searched by what is typed."""


@pytest.fixture
def other_process(app: Any, settings: Settings) -> Iterator[Any]:
    """Another application on the same database, as another process has one."""
    from tests.conftest import Browser

    with app.app_context():
        other = create_app(settings)
    other.config.update(TESTING=True)
    other.test_client_class = Browser
    yield other
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


def described(kind: str, **values: Any) -> dict[str, Any]:
    return {
        "entity": "Customer", "kind": kind, "label_zh": f"自定义{kind}", "label_en": f"Own {kind}",
        "choices": "晴 / Sunny\n雨 / Rain" if kind == "choice" else "",
        "shown": "y", "in_search": "y", **values,
    }  # fmt: skip


def add(client: Any, kind: str, **values: Any) -> str:
    """Add a field by the page; its name."""
    answer = client.post("/settings/fields/add", data=described(kind, **values))
    assert answer.status_code == 303, answer.text
    return f"own_{kind}"


def in_cell(page: str) -> str:
    return html.unescape(page)


def test_every_simple_type_is_on_every_surface_at_once(
    client: Any, other_process: Any, tmp_path: Path
) -> None:
    other = other_process.test_client().sign_in("admin")
    assert "Own text" not in other.get("/customer/add").text
    names = {kind: add(client, kind) for kind in SIMPLE_TYPES}
    for process in (client, other):
        form = in_cell(process.get("/customer/add").text)
        for kind, name in names.items():
            assert f'name="{name}"' in form, kind
            assert f"Own {kind}" in form, kind
    typed = {names[kind]: sample[0] for kind, sample in SAMPLES.items()}
    answer = client.post("/customer/add", data={"name": "样样齐全公司", **typed})
    assert answer.status_code == 303, answer.text
    client.post("/customer/add", data={"name": "什么都没有公司"})
    check_lists(client, names)
    check_lists(other, names)
    check_record(client, names, answer.location)
    check_rest(other, names)
    check_files(names, tmp_path)


def check_lists(client: Any, names: dict[str, str]) -> None:
    """Shown, filtered by, sorted by, searched."""
    page = in_cell(client.get("/customer/").text)
    for kind, (_typed, condition, shown, _later) in SAMPLES.items():
        assert f"Own {kind}" in page, kind
        assert shown in page, kind
        found = client.get("/customer/", query_string={"f": f"{names[kind]}:{condition}"}).text
        assert "样样齐全公司" in found, kind
        assert "什么都没有公司" not in found, kind
        if kind != "tags":
            ordered = client.get(f"/customer/?sort=-{names[kind]}").text
            assert ordered.index("样样齐全公司") < ordered.index("什么都没有公司"), kind
    for kind, words in SEARCHED.items():
        found = client.get("/customer/", query_string={"q": words}).text
        assert "样样齐全公司" in found, kind
        assert "什么都没有公司" not in found, kind
    for kind in ("choice", "boolean", "date", "datetime"):
        figures = client.get(f"/customer/chart/chosen.json?by={names[kind]}")
        assert figures.status_code == 200, kind


def check_record(client: Any, names: dict[str, str], address: str) -> None:
    """Edited, and in the history in words."""
    form = client.get(f"{address}/edit").text
    later = {names[kind]: sample[3] for kind, sample in SAMPLES.items()}
    sent = {"name": "样样齐全公司"}
    for name in ("version", "first"):
        value = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', form)
        if value is not None:
            sent[name] = html.unescape(value.group(1))
    answer = client.post(f"{address}/edit", data={**sent, **later})
    assert answer.status_code == 303, answer.text
    history = in_cell(client.get(f"{address}/history").text)
    for kind, (_typed, _condition, shown, _later) in SAMPLES.items():
        assert f"Own {kind}" in history, kind
        assert shown in history, kind
    change = re.search(rf"{address}/history/(\d+)/revert", history)
    assert change is not None
    client.post(f"{address}/history/{change.group(1)}/revert")
    for kind, (_typed, _condition, shown, _later) in SAMPLES.items():
        assert shown in in_cell(client.get(address).text), kind


def check_rest(client: Any, names: dict[str, str]) -> None:
    """Given out, taken in, filtered by, and in the OpenAPI document."""
    columns = list(names.values())
    query = {"filters": [{"col": "name", "opr": "eq", "value": "样样齐全公司"}], "columns": columns}
    row = client.get("/api/v1/customer/", query_string={"q": prison.dumps(query)}).json["result"][0]
    assert set(row) >= set(columns)
    given = {name: row[name] for name in columns}
    answer = client.post("/api/v1/customer/", json={"name": "经接口来的", **given})
    assert answer.status_code == 201, answer.text
    made = client.get(f"/api/v1/customer/{answer.json['id']}").json["result"]
    assert {name: made[name] for name in columns} == given
    described = client.get("/api/v1/_openapi").text
    for name in columns:
        assert f'"{name}"' in described, name


def check_files(names: dict[str, str], folder: Path) -> None:
    """Exported with their labels, and read back by them."""
    from app.engine.surfaces import exports, imports

    with policy.acting_as(factories.viewer("admin")):
        registry.refresh()
        out = folder / "customers.csv"
        exports.command("Customer", "csv", out)
        text = out.read_text(encoding="utf-8-sig")
        for kind in names:
            assert f"自定义{kind}" in text.splitlines()[0], kind
        lines = text.replace("样样齐全公司", "读回来的公司")
        out.write_text(lines, encoding="utf-8-sig")
        report = imports.command("Customer", out)
        assert report.refused == 0, report.refusals
        definition = registry.current().entity("Customer")
        rows = {row["name"]: row for page in Records(definition).stream() for row in page}
        for name in names.values():
            assert rows["读回来的公司"][name] == rows["样样齐全公司"][name], name
            assert rows["读回来的公司"][name] is not None, name


# -- the pages themselves ------------------------------------------------------------------


def test_the_list_of_fields(client: Any) -> None:
    assert "No fields of your own yet." in client.get("/settings/fields").text
    add(client, "choice", is_required="y", is_personal="y")
    page = client.get("/settings/fields").text
    for words in ("Own choice", "own_choice", "Required", "Personal data", "Contact"):
        assert words in page
    zh = client.get("/settings/fields", headers={"Accept-Language": "zh"}).text
    assert "自定义choice" in zh


def test_the_name_comes_from_the_label(client: Any) -> None:
    client.post("/settings/fields/add", data=described("text", label_en="2nd Phone (home)!"))
    client.post("/settings/fields/add", data=described("text", label_en="Nd phone: home"))
    client.post(
        "/settings/fields/add", data=described("text", label_en="别名", label_zh="客户经理备注")
    )
    client.post("/settings/fields/add", data=described("text", label_en="Phone"))
    names = [f.name for f in fields_of("Customer") if f.custom]
    assert names == ["nd_phone_home", "nd_phone_home_2", "ke_hu_jing_li_bei_zhu", "phone_2"]


def fields_of(entity: str) -> list[Any]:
    db.session.rollback()
    return list(registry.refresh().entity(entity).fields.values())


def test_the_name_is_offered_while_the_label_is_typed(client: Any) -> None:
    address = "/settings/fields/name"
    asked = {"entity": "Customer", "label_en": "Own name", "name": "", "suggested": ""}
    answer = client.get(address, query_string=asked)
    assert 'value="own_name"' in answer.text
    assert "<html" not in answer.text
    asked |= {"label_en": "Own name here", "name": "own_name", "suggested": "own_name"}
    assert 'value="own_name_here"' in client.get(address, query_string=asked).text
    asked |= {"name": "mine"}
    assert client.get(address, query_string=asked).status_code == 204


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label_zh": ""}, "This field is required."),
        ({"label_en": ""}, "This field is required."),
        ({"name": "Bad Name"}, "Use lower-case letters, digits and underscores."),
        ({"name": "phone"}, "There is a field of this name already."),
        ({"name": "id"}, "There is a field of this name already."),
        ({"name": "csrf_token"}, "There is a field of this name already."),
        ({"name": "then"}, "There is a field of this name already."),
        ({"entity": "Nothing"}, "There is no entity of this name."),
        ({"entity": "CustomField"}, "There is no entity of this name."),
        ({"entity": "ChoiceOption"}, "There is no entity of this name."),
        ({"kind": "choice", "choices": " \n"}, "Write at least one choice."),
        ({"kind": "reference"}, "is not one of the choices."),
        ({"position": "first"}, "“first” is not a"),
        ({"label_zh": "长" * 61}, "At most 60 characters"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: Any, values: dict[str, Any], message: str
) -> None:
    data = {**described("text"), "hint_en": "kept as typed", **values}
    answer = client.post("/settings/fields/add", data=data)
    assert answer.status_code == 422
    page = in_cell(answer.text)
    assert message in page
    assert 'aria-invalid="true"' in page
    assert "kept as typed" in page
    assert not [field for field in fields_of("Customer") if field.custom]


def test_a_name_is_taken_once(client: Any) -> None:
    add(client, "text", name="twice")
    answer = client.post("/settings/fields/add", data=described("text", name="twice"))
    assert answer.status_code == 422
    assert "There is a field of this name already" in answer.text or (
        "another record has this value" in answer.text
    )


def field_id(client: Any) -> int:
    found = re.search(r"/settings/fields/(\d+)/remove", client.get("/settings/fields").text)
    assert found is not None
    return int(found.group(1))


def test_labels_change_and_what_records_hold_stays(client: Any) -> None:
    add(client, "text", name="remark")
    client.post("/customer/add", data={"name": "某公司", "remark": "说了什么"})
    number = field_id(client)
    page = client.get(f"/settings/fields/{number}").text
    assert re.search(r'<select[^>]*disabled[^>]*name="kind"', page)
    changed = {"label_zh": "备注二", "label_en": "Second remark", "shown": "y", "version": 1}
    assert client.post(f"/settings/fields/{number}", data=changed).status_code == 303
    listed = client.get("/customer/").text
    assert "Second remark" in listed
    assert "说了什么" in listed
    assert client.post(f"/settings/fields/{number}", data=changed).status_code == 409


def test_a_removed_field_is_gone_everywhere_and_comes_back_by_undo(client: Any) -> None:
    add(client, "text", name="remark")
    client.post("/customer/add", data={"name": "某公司", "remark": "说了什么"})
    number = field_id(client)
    assert client.post(f"/settings/fields/{number}/remove").status_code == 303
    page = client.get("/settings/fields").text
    assert "说了什么" not in client.get("/customer/").text
    undo = re.search(r'action="(/changes/\d+/undo)"', page)
    assert undo is not None
    client.post(undo.group(1))
    assert "说了什么" in client.get("/customer/").text


def test_a_removed_fields_name_is_not_taken_by_another_type(client: Any) -> None:
    add(client, "text", name="remark")
    client.post("/customer/add", data={"name": "某公司", "remark": "不是数字"})
    client.post(f"/settings/fields/{field_id(client)}/remove")
    answer = client.post("/settings/fields/add", data=described("decimal", name="remark"))
    assert answer.status_code == 422
    assert "Records still hold values of a removed field of this name" in answer.text
    answer = client.post("/settings/fields/add", data=described("text", name="remark"))
    assert answer.status_code == 303
    assert "不是数字" in client.get("/customer/").text


def test_nor_after_the_adding_was_undone(client: Any) -> None:
    add(client, "text", name="remark")
    added = re.search(r'action="(/changes/\d+/undo)"', client.get("/settings/fields").text)
    assert added is not None
    client.post("/customer/add", data={"name": "某公司", "remark": "不是数字"})
    client.post(added.group(1))
    answer = client.post("/settings/fields/add", data=described("decimal", name="remark"))
    assert answer.status_code == 422
    assert client.get("/customer/").status_code == 200


def test_a_name_that_the_search_cannot_tell_apart_is_refused(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names with the same code are one in four thousand million: here they are made."""
    code_of = registry.search_code
    monkeypatch.setattr(
        registry, "search_code", lambda name: code_of("phone" if name == "twin" else name)
    )
    answer = client.post("/settings/fields/add", data=described("text", name="twin"))
    assert answer.status_code == 422
    assert "The search can&#39;t tell this name" in answer.text


def test_only_for_those_with_the_right(browser: Any) -> None:
    for address in (
        "/settings/fields",
        "/settings/fields/add",
        "/settings/fields/1",
        "/settings/fields/name",
    ):
        assert browser("sales").get(address).status_code == 403
        assert browser(None).get(address).status_code == 302
    assert browser("sales").post("/settings/fields/add", data=described("text")).status_code == 403
    assert browser("sales").post("/settings/fields/1/remove").status_code == 403
    assert browser("admin").get("/settings/fields/999").status_code == 404


def test_personal_fields_are_masked(browser: Any) -> None:
    add(browser("admin"), "text", name="secret_word", is_personal="y")
    browser("admin").post("/customer/add", data={"name": "某公司", "secret_word": "芝麻开门"})
    page = browser("guest").get("/customer/").text
    assert "某公司" in page
    assert "芝麻开门" not in page


# -- choice lists --------------------------------------------------------------------------


def test_the_lists_and_who_chooses_from_them(browser: Any) -> None:
    page = browser("admin").get("/settings/lists").text
    for words in (
        "industry",
        "Customer: Industry",
        "/choice_option/?f=list_name:eq:industry",
        "/choice_option/add?list_name=industry",
    ):
        assert words in page
    assert browser("sales").get("/settings/lists").status_code == 403
    assert browser(None).get("/settings/lists").status_code == 302


def test_a_new_choice_is_offered_at_once(client: Any) -> None:
    data = {"list_name": "grade", "value": "odd", "label_zh": "特殊等级", "label_en": "Odd grade"}
    assert client.post("/choice_option/add", data=data).status_code == 303
    assert "Odd grade" in client.get("/settings/lists").text
    assert "Odd grade" in client.get("/customer/add").text


def test_not_for_who_may_not_see_what_describes_a_field(app: Any, browser: Any) -> None:
    role = app.appbuilder.sm.find_role("Sales")
    rights = {
        "grants": {"CustomField": {"*": "all"}},
        "fields": {"CustomField": {"kind": "hidden"}},
    }
    policy.replace_role(db.session(), role.id, rights)
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    for page in ("", "/add"):
        assert browser("sales").get(f"/settings/fields{page}").status_code == 403

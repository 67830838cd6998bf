"""REST: Flask-AppBuilder's addresses and query form; every malformed request named, none a 500."""

from __future__ import annotations

import json
from typing import Any

import prison
import pytest

from app.engine import policy, registry
from tests import factories
from tests.engine.toys import Parcel
from tests.factories import PASSWORD, make, user_id

PARCELS = "/api/v1/parcel/"


@pytest.fixture(autouse=True)
def some_parcels(app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        shelf = make("Shelf", name="南架", keeper=user_id("sales"))
        for n, colour in enumerate(["red", "blue", None, "red"], 1):
            make("Parcel", name=f"包裹 {n}", pieces=n * 10, colour=colour, shelf=shelf.id)


def asked(client: Any, status: int = 200, **query: Any) -> Any:
    answer = client.get(PARCELS, query_string={"q": prison.dumps(query)} if query else {})
    assert answer.status_code == status, answer.text
    return answer.json


def filtered(client: Any, column: str, operator: str, value: Any = None, status: int = 200) -> Any:
    condition = {"col": column, "opr": operator}
    if value is not None:
        condition["value"] = value
    return asked(client, status, filters=[condition], order_column="id", columns=["pieces"])


def pieces(answer: Any) -> list[int]:
    return [row["pieces"] for row in answer["result"]]


# -- lists ---------------------------------------------------------------------------------


def test_a_list_has_flask_appbuilders_form(client: Any) -> None:
    answer = asked(client, page_size=2)
    assert (answer["count"], answer["count_exact"]) == (4, True)
    assert answer["ids"] == [4, 3]
    assert [row["name"] for row in answer["result"]] == ["包裹 4", "包裹 3"]
    assert answer["list_title"] == "Parcels"
    assert answer["label_columns"]["arrived_on"] == "Arrived on"
    assert "tags" not in answer["order_columns"]
    assert set(answer["list_columns"]) == set(answer["result"][0])


def test_a_row_carries_values_as_json(client: Any) -> None:
    row = asked(client)["result"][0]
    assert (row["price"], row["weight"], row["fragile"]) == ("99.50", "1.250", True)
    assert (row["arrived_on"], row["opened_at"]) == ("2026-03-05", "2026-03-05T06:30:00+00:00")
    assert row["tags"] == ["急", "fragile"]
    assert row["shelf"] == {"id": 1, "label": "南架"}
    assert row["keeper"] is None


def test_keys_and_columns_narrow_the_answer(client: Any) -> None:
    answer = asked(client, keys=["none"], columns=["name", "shelf"])
    assert set(answer) == {"count", "count_exact", "ids", "next", "result"}
    assert answer["result"][0] == {"name": "包裹 4", "shelf": {"id": 1, "label": "南架"}}
    answer = asked(client, keys=["order_columns"], columns=["name", "tags"])
    assert answer["order_columns"] == ["name"]


OPERATORS = [
    ("colour", "eq", "red", [10, 40]),
    ("colour", "neq", "red", [20, 30]),
    ("colour", "in", ["red", "blue"], [10, 20, 40]),
    ("colour", "nin", ["red"], [20, 30]),
    ("colour", "empty", None, [30]),
    ("colour", "nempty", None, [10, 20, 40]),
    ("pieces", "gt", 20, [30, 40]),
    ("pieces", "lt", 20, [10]),
    ("pieces", "ge", 30, [30, 40]),
    ("pieces", "le", 10, [10]),
    ("name", "ct", "裹 2", [20]),
    ("name", "nct", "裹 2", [10, 30, 40]),
    ("name", "sw", "包裹", [10, 20, 30, 40]),
    ("name", "nsw", "包裹", []),
    ("name", "ew", "3", [30]),
    ("name", "new", "3", [10, 20, 40]),
    ("shelf", "rel_o_m", 1, [10, 20, 30, 40]),
    ("shelf", "nrel_o_m", 1, []),
    ("shelf", "rel_o_m", "1", [10, 20, 30, 40]),
    ("fragile", "eq", True, [10, 20, 30, 40]),
    ("arrived_on", "ge", "2026-03-06", []),
    ("price", "eq", 99.5, [10, 20, 30, 40]),
    ("price", "gt", "99.49", [10, 20, 30, 40]),
    ("tags", "ct", "急", [10, 20, 30, 40]),
]


def test_operators(client: Any) -> None:
    for column, operator, value, found in OPERATORS:
        assert pieces(filtered(client, column, operator, value)) == found, (column, operator)


def test_order_and_pages(client: Any) -> None:
    query = {"order_column": "pieces", "order_direction": "desc", "page_size": 3}
    assert pieces(asked(client, **query)) == [40, 30, 20]
    assert pieces(asked(client, **query, page=1)) == [10]
    assert asked(client, **query, page=5)["result"] == []
    assert asked(client, page_size=-1)["next"] is None


def test_pages_by_cursor_meet_every_record_once(client: Any) -> None:
    found, after = [], None
    for _page in range(4):
        more = {"after": after} if after else {}
        answer = asked(client, order_column="colour", page_size=1, **more)
        found += pieces(answer)
        after = answer["next"]
    assert after is None
    assert found == [30, 20, 10, 40]


def test_search_finds_chinese_and_pinyin(client: Any) -> None:
    assert asked(client, search="包裹")["count"] == 4
    assert asked(client, search="baoguo")["count"] == 4
    assert asked(client, search="无此")["count"] == 0


def test_json_is_taken_for_rison(client: Any) -> None:
    query = json.dumps({"filters": [{"col": "pieces", "opr": "eq", "value": 20}]})
    assert client.get(PARCELS, query_string={"q": query}).json["count"] == 1


MALFORMED_QUERIES = [
    "(", "!(", "'", "!", "a:b", "!(1)", "((", "5", "(filters:x)", "(filters:!(1))",
    "(filters:!((col:pieces)))", "(filters:!((col:1,opr:eq,value:1)))",
    "(filters:!((col:nothing,opr:eq,value:1)))", "(filters:!((col:pieces,opr:ct,value:1)))",
    "(filters:!((col:pieces,opr:zz,value:1)))", "(filters:!((col:pieces,opr:in,value:1)))",
    "(filters:!((col:pieces,opr:in,value:!((a:1)))))", "(filters:!((col:pieces,opr:eq)))",
    "(filters:!((col:pieces,opr:eq,value:!(1))))",
    "(filters:!((col:pieces,opr:eq,value:'ten')))",
    "(filters:!((col:pieces,opr:eq,value:1e999)))",
    "(filters:!((col:pieces,opr:gt,value:99999999999999999999999999)))",
    "(filters:!((col:arrived_on,opr:eq,value:'2026-02-30')))",
    "(filters:!((col:shelf,opr:eq,value:99999999999999999999)))",
    "(filters:!((col:keeper,opr:in,value:!(3000000000))))",
    "(filters:!((col:version,opr:eq,value:3000000000)))",
    "(filters:!((col:shelf.name,opr:eq,value:a)))",
    "(page:-1)", "(page:!t)", "(page:a)", "(page:1.5)", "(page:99999999999999)",
    "(page_size:a)", "(page_size:!(1))", "(order_column:nothing)", "(order_column:tags)",
    "(order_column:name,order_direction:up)", "(columns:name)", "(columns:!(nothing))",
    "(columns:!(1))", "(columns:!(name),select_columns:!(name))", "(keys:!(nothing))",
    "(keys:x)", "(search:!(a))", "(after:nowhere)", "(after:!t)", "(pages:1)",
    "(" * 500, "[" * 2000, '{"a":' * 2000,
]  # fmt: skip


def test_a_malformed_query_is_named(client: Any) -> None:
    for query in MALFORMED_QUERIES:
        answer = client.get(PARCELS, query_string={"q": query})
        assert answer.status_code == 400, (query[:80], answer.text)
        assert answer.json["problems"][0]["message"]


def test_a_cursor_belongs_to_its_order(client: Any) -> None:
    after = asked(client, order_column="name", page_size=1)["next"]
    for column in ("pieces", "arrived_on", "id", "opened_at"):
        asked(client, 400, order_column=column, after=after)


# -- single records ------------------------------------------------------------------------


def test_one_record_and_its_version(client: Any) -> None:
    answer = client.get(f"{PARCELS}1")
    assert answer.headers["ETag"] == '"1"'
    assert (answer.json["id"], answer.json["result"]["pieces"]) == (1, 10)
    assert answer.json["show_title"] == "Parcel"
    answer = client.get(f"{PARCELS}1", query_string={"q": "(columns:!(name),keys:!(none))"})
    assert answer.json == {"id": 1, "result": {"name": "包裹 1"}}


@pytest.mark.parametrize("record_id", ["0", "99", "9223372036854775808", "9" * 40, "x", "-1"])
def test_there_is_no_such_record(client: Any, record_id: str) -> None:
    for method in ("get", "put", "delete"):
        answer = getattr(client, method)(f"{PARCELS}{record_id}", json={"name": "x"})
        assert answer.status_code == 404, (method, answer.text)


def test_a_record_is_made(client: Any) -> None:
    body = {
        "name": "新", "price": "12.50", "weight": 1.5, "pieces": 3, "shelf": {"id": 1},
        "keeper": user_id("sales"), "arrived_on": "2026-01-02", "tags": ["a"],
        "opened_at": "2026-01-02T03:04:05+08:00", "fragile": False, "colour": "blue",
    }  # fmt: skip
    answer = client.post(PARCELS, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == '"1"'
    row = answer.json["result"]
    assert row == client.get(f"{PARCELS}{answer.json['id']}").json["result"]
    assert (row["price"], row["weight"], row["shelf"]["label"]) == ("12.50", "1.500", "南架")
    assert row["opened_at"] == "2026-01-01T19:04:05+00:00"
    assert (row["review_state"], row["keeper"]["label"]) == ("draft", "张伟")


def test_a_record_is_made_approved_by_those_who_may(client: Any, browser: Any) -> None:
    body = {"name": "x", "review_state": "approved"}
    assert client.post(PARCELS, json=body).json["result"]["review_state"] == "approved"
    assert client.post(PARCELS, json={**body, "review_state": "x"}).status_code == 422
    assert browser("sales").post("/api/v1/customer/", json=body).status_code == 403


def test_only_what_is_given_changes(client: Any) -> None:
    answer = client.put(f"{PARCELS}1", json={"pieces": 11})
    row = answer.json["result"]
    assert (row["pieces"], row["name"], answer.headers["ETag"]) == (11, "包裹 1", '"2"')


@pytest.mark.parametrize("by_header", [True, False])
def test_a_stale_change_is_refused_with_both_versions(client: Any, by_header: bool) -> None:
    client.put(f"{PARCELS}1", json={"pieces": 11})
    body: dict[str, Any] = {"pieces": 12} if by_header else {"pieces": 12, "version": 1}
    headers = {"If-Match": '"1"'} if by_header else {}
    answer = client.put(f"{PARCELS}1", json=body, headers=headers)
    assert answer.status_code == 409
    assert (answer.json["version"], answer.json["current"]["pieces"]) == (2, 11)
    assert answer.json["submitted"] == {"pieces": 12}
    assert client.put(f"{PARCELS}1", json={"pieces": 12, "version": 2}).status_code == 200


def test_approving(client: Any) -> None:
    assert client.post(f"{PARCELS}1/approve").json["result"]["review_state"] == "approved"
    assert client.post("/api/v1/shelf/1/approve").status_code == 403


def test_trash_and_back(client: Any) -> None:
    assert client.delete(f"{PARCELS}1").json == {"message": "OK"}
    assert client.get(f"{PARCELS}1").status_code == 404
    assert client.get(f"{PARCELS}trash").json["ids"] == [1]
    assert client.post(f"{PARCELS}1/restore").json["result"]["pieces"] == 10
    assert client.get(f"{PARCELS}trash").json["count"] == 0
    assert client.delete(f"{PARCELS}trash/1").status_code == 422
    client.delete(f"{PARCELS}1")
    assert client.delete(f"{PARCELS}trash/1").json == {"message": "OK"}
    assert client.post(f"{PARCELS}1/restore").status_code == 404


def test_what_may_be_done(client: Any, browser: Any) -> None:
    info = client.get(f"{PARCELS}_info").json
    assert {"can_get", "can_post", "can_put", "can_delete"} <= set(info["permissions"])
    colour = next(column for column in info["add_columns"] if column["name"] == "colour")
    assert colour["values"][0] == {"id": "red", "value": "Red"}
    assert {"name": "contains", "operator": "ct"} in info["filters"]["name"]
    assert info["add_title"] == "Add: Parcel"
    chosen = browser("guest").get("/api/v1/customer/_info?q=(keys:!(permissions))").json
    assert chosen == {"permissions": ["can_get", "can_info"]}


# -- bad bodies ----------------------------------------------------------------------------


WRONG_VALUES = [
    ({}, {"name"}),
    ({"name": None}, {"name"}),
    ({"name": ["x"]}, {"name"}),
    ({"name": "x" * 10_000}, {"name"}),
    ({"name": "x", "nothing": 1, "pieces": "3"}, {"nothing", "pieces"}),
    ({"name": "x", "pieces": True}, {"pieces"}),
    ({"name": "x", "pieces": 2**60}, {"pieces"}),
    ({"name": "x", "pieces": 1.5}, {"pieces"}),
    ({"name": "x", "price": "NaN"}, {"price"}),
    ({"name": "x", "price": "1e30"}, {"price"}),
    ({"name": "x", "price": "1.234"}, {"price"}),
    ({"name": "x", "price": {}}, {"price"}),
    ({"name": "x", "arrived_on": "2026-02-30"}, {"arrived_on"}),
    ({"name": "x", "arrived_on": 5}, {"arrived_on"}),
    ({"name": "x", "opened_at": "yesterday"}, {"opened_at"}),
    ({"name": "x", "opened_at": "0001-01-01T00:00:00+14:00"}, {"opened_at"}),
    ({"name": "x", "fragile": "yes"}, {"fragile"}),
    ({"name": "x", "colour": "green"}, {"colour"}),
    ({"name": "x", "tags": "a,b"}, {"tags"}),
    ({"name": "x", "tags": [1]}, {"tags"}),
    ({"name": "x", "shelf": 99}, {"shelf"}),
    ({"name": "x", "shelf": 2**70}, {"shelf"}),
    ({"name": "x", "shelf": {"id": "1"}}, {"shelf"}),
    ({"name": "x", "keeper": 2**40}, {"keeper"}),
    ({"name": "x", "keeper": [1]}, {"keeper"}),
    ({"name": "x", "id": 5}, {"id"}),
    ({"name": "x", "created_at": "2026-01-01T00:00:00Z"}, {"created_at"}),
    ({"name": "x", "email": "nobody"}, {"email"}),
]


def test_every_wrong_value_is_named(client: Any) -> None:
    for body, fields in WRONG_VALUES:
        count = asked(client)["count"]
        for answer in (client.post(PARCELS, json=body), client.put(f"{PARCELS}1", json=body)):
            if body == {} and answer.request.method == "PUT":
                continue
            assert answer.status_code == 422, answer.text
            assert {problem["field"] for problem in answer.json["problems"]} == fields
        assert asked(client)["count"] == count


WRONG_BODIES = [
    (b"[]", 422), (b"[1]", 422), (b'"x"', 422), (b"null", 422), (b"1", 422),
    (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b'{"name": "\\u0000"}', 400),
    (b'{"name": "\\ud800"}', 400), (b'{"name": NaN}', 400), (b"[" * 100_000, 400),
    (b'{"a":' * 100_000, 400), (b'["\\u0000",' + b"[" * 100_000, 400),
]  # fmt: skip


def test_a_body_of_the_wrong_form_is_refused(client: Any) -> None:
    for data, status in WRONG_BODIES:
        for method, address in (("post", PARCELS), ("put", f"{PARCELS}1")):
            answer = getattr(client, method)(address, data=data, content_type="application/json")
            assert answer.status_code == status, (data[:20], answer.text)
            assert answer.json["message"]


def test_a_body_that_is_no_json_is_refused(client: Any) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert client.post(PARCELS, data="name=x", content_type=kind).status_code == 415
    assert client.post(PARCELS).status_code == 415


@pytest.mark.parametrize("header", ["x", '"x"', "1, 2", '"-1"', "9" * 30])
def test_a_malformed_if_match_is_refused(client: Any, header: str) -> None:
    answer = client.put(f"{PARCELS}1", json={"pieces": 1}, headers={"If-Match": header})
    assert answer.status_code == 400


def test_a_taken_code_is_named_in_the_readers_language(client: Any) -> None:
    client.post(PARCELS, json={"name": "a", "code": "A-1"})
    answer = client.post(PARCELS, json={"name": "b", "code": "A-1"})
    assert answer.status_code == 422
    problem = {"field": "code", "message": "Code: another record has this value."}
    assert answer.json["problems"] == [problem]
    body = {"name": "b", "nothing": 1}
    answer = client.post(PARCELS, json=body, headers={"Accept-Language": "zh"})
    assert "字段" in answer.json["message"]


# -- who may -------------------------------------------------------------------------------


def token(app: Any, name: str) -> dict[str, str]:
    body = {"username": name, "password": PASSWORD, "provider": "db"}
    answer = app.test_client().post("/api/v1/security/login", json=body)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_a_token_serves_instead_of_a_cookie(app: Any, browser: Any) -> None:
    headers = token(app, "admin")
    anybody = browser(None)
    assert anybody.get(PARCELS, headers=headers).status_code == 200
    assert anybody.post(PARCELS, json={"name": "x"}, headers=headers).status_code == 201
    assert anybody.get("/api/v1/_openapi", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer a b", "Basic eDp5"]
)
def test_nobody_is_told_to_sign_in(browser: Any, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    anybody = browser(None)
    for address in (PARCELS, f"{PARCELS}1", f"{PARCELS}_info", "/api/v1/nothing/", f"{PARCELS}trash",
                    "/api/v1/_openapi"):  # fmt: skip
        answer = anybody.get(address, headers=headers)
        assert answer.status_code == 401, (address, answer.text)
        assert answer.json["message"]
    for method, address in (("post", PARCELS), ("put", f"{PARCELS}1"), ("delete", f"{PARCELS}1")):
        answer = getattr(anybody, method)(address, json={"name": "x"}, headers=headers)
        assert answer.status_code == 401, answer.text


def test_an_expired_token_is_refused(app: Any, browser: Any) -> None:
    from datetime import timedelta

    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(seconds=-1)
    try:
        headers = token(app, "admin")
    finally:
        app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(minutes=60)
    assert browser(None).get(PARCELS, headers=headers).status_code == 401


def test_a_write_by_cookie_needs_the_pages_token(client: Any) -> None:
    answer = client.post(PARCELS, json={"name": "x"}, headers={"X-CSRFToken": "forged"})
    assert answer.status_code == 400


def test_rights_hold(browser: Any) -> None:
    assert browser("sales").get(PARCELS).status_code == 403
    guest = browser("guest")
    assert guest.get(PARCELS).status_code == 403
    assert guest.get("/api/v1/customer/").status_code == 200
    assert guest.post("/api/v1/customer/", json={"name": "x"}).status_code == 403


def test_fields_that_one_may_not_see_stay_unseen(app: Any, browser: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        made = make("Customer", phone="13812345678", notes="secret")
    guest = browser("guest")
    answer = guest.get(f"/api/v1/customer/{made.id}").json
    assert answer["result"]["phone"] == "138****5678"
    for part in ("result", "label_columns"):
        assert "notes" not in answer[part]
    for query, status in (
        ("(columns:!(notes))", 400),
        ("(order_column:notes)", 400),
        ("(filters:!((col:notes,opr:ct,value:s)))", 400),
        ("(order_column:phone)", 403),
        ("(filters:!((col:phone,opr:ct,value:138)))", 403),
    ):
        answer = guest.get("/api/v1/customer/", query_string={"q": query})
        assert answer.status_code == status, (query, answer.text)
    filters = guest.get("/api/v1/customer/_info").json["filters"]
    assert not {"notes", "phone"} & set(filters)


def test_rows_out_of_scope_are_not_there(app: Any, browser: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        mine = make("Customer", account_manager=user_id("sales")).id
        other = make("Customer", account_manager=user_id("sales2")).id
    sales = browser("sales")
    assert sales.get("/api/v1/customer/").json["ids"] == [mine]
    assert sales.get(f"/api/v1/customer/{other}").status_code == 404
    assert sales.put(f"/api/v1/customer/{other}", json={"name": "x"}).status_code == 404
    assert sales.delete(f"/api/v1/customer/{other}").status_code == 404
    handed_on = {"account_manager": user_id("sales2")}
    answer = sales.put(f"/api/v1/customer/{mine}", json=handed_on)
    assert answer.status_code in (200, 403), answer.text


def test_own_addresses_of_flask_appbuilder_stay(app: Any, browser: Any, client: Any) -> None:
    assert token(app, "admin")
    assert client.get("/api/v1/menu/").status_code == 200
    assert client.get("/api/v1/_openapi").json["info"]["version"] == "v1"
    assert client.get("/api/v1/nothing/").status_code == 404
    assert client.patch(f"{PARCELS}1", json={}).status_code == 405


def test_a_new_field_is_there_at_once(client: Any) -> None:
    field = {"entity": "Parcel", "name": "depth", "kind": "decimal", "label_zh": "深度",
             "label_en": "Depth"}  # fmt: skip
    assert client.post("/api/v1/custom_field/", json=field).status_code == 201
    answer = client.put(f"{PARCELS}1", json={"depth": "1.25"})
    assert answer.json["result"]["depth"] == "1.25"
    assert pieces(filtered(client, "depth", "gt", 1)) == [10]
    assert asked(client, order_column="depth", order_direction="desc")["ids"][0] == 1
    document = client.get("/api/v1/_openapi").json
    assert document["components"]["schemas"]["Parcel"]["properties"]["depth"]["title"] == "Depth"
    assert "depth" not in Parcel.declared
    assert "depth" in registry.current().entity("Parcel").fields


# -- merging -------------------------------------------------------------------------------


def test_records_are_merged_into_one(client: Any) -> None:
    answer = client.post(
        f"{PARCELS}1/merge", json={"losers": [2, 3], "take": {"pieces": 3, "colour": 2}}
    )
    assert answer.status_code == 200, answer.text
    merged = answer.json
    assert (merged["result"]["pieces"], merged["result"]["colour"]) == (30, "blue")
    assert sorted(merged["given"]) == ["colour", "pieces"]
    assert answer.headers["ETag"]
    assert asked(client)["ids"] == [4, 1]
    moved = client.post("/api/v1/shelf/", json={"name": "北架"}).json["id"]
    answer = client.post(f"/api/v1/shelf/{moved}/merge", json={"losers": [1]}).json
    assert answer["moved"] == {"parcel": 4}, "those in the trash too"
    assert answer["result"]["keeper"]["label"], "what it lacked came from the other"


def test_a_merge_that_makes_no_sense_is_refused(client: Any, browser: Any) -> None:
    for body, named in [
        ({}, "losers"),
        ({"losers": []}, "losers"),
        ({"losers": [1]}, "losers"),
        ({"losers": [2, 2]}, "losers"),
        ({"losers": ["2"]}, "losers"),
        ({"losers": list(range(2, 20))}, "losers"),
        ({"losers": [2], "take": {"pieces": 4}}, "pieces"),
        ({"losers": [2], "take": {"nonsense": 2}}, "take"),
        ({"losers": [2], "take": {"number": 2}}, "number"),
        ({"losers": [2], "other": 1}, "other"),
    ]:
        answer = client.post(f"{PARCELS}1/merge", json=body)
        assert answer.status_code == 422, body
        assert named in [problem["field"] for problem in answer.json["problems"]], body
    assert client.post(f"{PARCELS}1/merge", json={"losers": [99]}).status_code == 404
    assert browser("guest").post("/api/v1/customer/1/merge", json={}).status_code == 403
    assert asked(client)["count"] == 4, "nothing was changed"


def test_a_reference_without_an_id_is_refused(client: Any) -> None:
    answer = client.put(f"{PARCELS}1", json={"shelf": {"label": "南架"}})
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json["problems"]] == ["shelf"]
    assert client.get(f"{PARCELS}1").json["result"]["shelf"]["label"] == "南架"
    assert client.put(f"{PARCELS}1", json={"shelf": {"id": None}}).status_code == 200


def test_a_wrong_method_is_named_to_programs_in_their_words(client: Any) -> None:
    answer = client.patch(f"{PARCELS}1", json={})
    assert answer.status_code == 405
    assert "buttons" not in answer.json["message"]
    assert "method" in answer.json["message"]

"""Files in forms, on pages, through the API, and given out only to those who may have them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.query import Records
from tests.factories import filed, viewer
from tests.pages.support import field_error, given
from tests.test_contract import give

PDF = b"%PDF-1.7\n" + b"0123456789" * 500


def sent(content: bytes = PDF, name: str = "采购合同.pdf") -> tuple[Any, ...]:
    return (io.BytesIO(content), name)


def only_leaf() -> dict[str, Any]:
    definition = registry.current().entity("Leaf")
    with policy.acting_as(viewer("admin")):
        (number,) = Records(definition).ids()
        return Records(definition).get(number)


def document(content: bytes = PDF, name: str = "采购合同.pdf", **values: Any) -> Any:
    with policy.acting_as(viewer("admin")):
        number = filed(content, name)
    return given("Leaf", content=number, name=name, **values)


def test_a_form_without_any_script_sends_the_file_along(client: Any) -> None:
    page = client.get("/leaf/add").get_data(as_text=True)
    assert 'enctype="multipart/form-data"' in page
    assert 'type="file" name="content.file"' in page.replace("  ", " ") or "content.file" in page
    answer = client.post("/leaf/add", data={"content": "", "name": "", "content.file": sent()})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    row = only_leaf()
    assert (row["name"], row["content.file"].media_type) == ("采购合同.pdf", "application/pdf")


def test_what_was_sent_is_still_there_when_the_form_comes_back(client: Any) -> None:
    data = {
        "content": "",
        "name": "甲",
        "content.file": sent(),
        "scan": "",
        "scan.file": sent(b"x"),
    }
    answer = client.post("/leaf/add", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert field_error(page, "scan")
    assert "采购合同.pdf (PDF" in page
    number = page.split('name="content"')[1].split('value="')[1].split('"')[0]
    again = client.post("/leaf/add", data={"content": number, "name": "甲"})
    assert again.status_code == 303
    assert only_leaf()["content"] == int(number)


def test_an_empty_file_is_said_beside_the_field(client: Any) -> None:
    answer = client.post("/leaf/add", data={"name": "甲", "content.file": sent(b"", "空.txt")})
    assert answer.status_code == 422
    assert "empty" in field_error(answer.get_data(as_text=True), "content")


def test_the_edit_form_keeps_replaces_and_removes(client: Any) -> None:
    record = document(scan=None)
    address = f"/leaf/{record.id}/edit"
    page = client.get(address).get_data(as_text=True)
    assert "PDF, 5 KB" in page

    def save(**data: Any) -> int:
        row = only_leaf()
        stands = {"name": row["name"], "content": row["content"], "scan": row["scan"] or ""}
        return client.post(address, data={**stands, "version": row["version"], **data}).status_code

    before = only_leaf()["content"]
    assert save(name="改名.pdf") == 303
    assert only_leaf()["content"] == before
    assert save(**{"scan.file": sent(name="扫描.pdf")}) == 303
    assert only_leaf()["scan"] == before, "the same content is kept once"
    assert save(scan="") == 303
    assert only_leaf()["scan"] is None


def test_lists_and_record_pages_lead_to_the_file(client: Any) -> None:
    record = document()
    odd = document(b"plain text", "其实是文本.pdf")
    for address in ("/leaf/", f"/leaf/{record.id}"):
        page = client.get(address).get_data(as_text=True)
        assert f'href="/leaf/{record.id}/file/content"' in page
        assert "PDF, 5 KB" in page
    assert "The name says something else" in client.get(f"/leaf/{odd.id}").get_data(as_text=True)
    assert "The name says something else" not in client.get(f"/leaf/{record.id}").get_data(
        as_text=True
    )


def test_the_history_says_which_kind_of_file_it_was(client: Any) -> None:
    record = document()
    page = client.get(f"/leaf/{record.id}/history").get_data(as_text=True)
    assert "PDF, 5 KB" in page


# -- given out -------------------------------------------------------------------------------


def test_a_download_is_an_attachment_under_its_own_name(client: Any) -> None:
    record = document()
    answer = client.get(f"/leaf/{record.id}/file/content")
    assert answer.data == PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Length"] == str(len(PDF))
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=____.pdf; filename*=UTF-8''%E9%87%87%E8%B4%AD%E5%90%88%E5%90%8C.pdf"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_page_that_somebody_filed_is_given_out_as_mere_bytes(client: Any) -> None:
    record = document(b"<!doctype html><script>alert(1)</script>", "x.html")
    answer = client.get(f"/leaf/{record.id}/file/content")
    assert answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, PDF[:10]),
        ("bytes=5000-", 206, PDF[5000:]),
        ("bytes=-7", 206, PDF[-7:]),
        ("bytes=99999-", 416, None),
        ("lines=1-2", 200, PDF),
    ],
)
def test_parts_are_given_out_as_asked(
    client: Any, asked: str, status: int, part: bytes | None
) -> None:
    record = document()
    answer = client.get(f"/leaf/{record.id}/file/content", headers={"Range": asked})
    assert answer.status_code == status
    if part is not None:
        assert answer.data == part
    if status == 206:
        assert answer.headers["Content-Range"].endswith(f"/{len(PDF)}")


def test_a_part_of_another_content_is_not_sent_as_if_it_were_of_this(client: Any) -> None:
    record = document()
    headers = {"Range": "bytes=10-19", "If-Range": '"another"'}
    answer = client.get(f"/leaf/{record.id}/file/content", headers=headers)
    assert (answer.status_code, len(answer.data)) == (200, len(PDF))


def test_rights_are_asked_at_every_download(app: Any, browser: Any) -> None:
    record = document()
    address = f"/leaf/{record.id}/file/content"
    person = browser("guest")
    everything = {"*": dict.fromkeys(policy.ACTIONS, "all")}
    give(app, "Guest", {"grants": everything})
    assert person.get(address).status_code == 200
    for access in ("masked", "hidden"):
        give(app, "Guest", {"grants": everything, "fields": {"Leaf": {"content": access}}})
        assert person.get(address).status_code == 404, access
        page = person.get(f"/leaf/{record.id}").get_data(as_text=True)
        assert "PDF, 5 KB" not in page
    give(app, "Guest", {"grants": {"*": dict.fromkeys(policy.ACTIONS, "own")}})
    assert person.get(address).status_code == 404
    give(app, "Guest", {"grants": {}})
    assert person.get(address).status_code == 403
    assert browser(None).get(address).status_code == 302
    client = browser("admin")
    for wrong in ("name", "nothing", "scan", "id"):
        assert client.get(f"/leaf/{record.id}/file/{wrong}").status_code == 404, wrong
    client.delete(f"/api/v1/leaf/{record.id}")
    assert client.get(address).status_code == 404, "in the trash"


def test_a_file_that_the_store_lost_is_said_to_be_gone(client: Any) -> None:
    from app.engine import files
    from app.engine.adapters.storage import store

    record = document(b"lost one", "x.txt")
    store().remove(files.get(record.content_id).path)
    assert client.get(f"/leaf/{record.id}/file/content").status_code == 404


# -- programs --------------------------------------------------------------------------------


def test_the_api_gives_and_takes_files(client: Any) -> None:
    record = document()
    found = client.get(f"/api/v1/leaf/{record.id}").get_json()["result"]["content"]
    assert found.keys() == {"id", "sha256", "size", "media_type", "href"}
    assert client.get(found["href"]).data == PDF
    made = client.post("/api/v1/leaf/", json={"name": "乙", "content": found})
    assert made.status_code == 201, made.get_json()
    wrong = client.post("/api/v1/leaf/", json={"name": "乙", "content": 999999})
    assert wrong.status_code == 422
    assert wrong.get_json()["problems"][0]["field"] == "content"
    for odd in ("x", True, -1, {"id": "x"}, [], 2**70):
        assert client.post("/api/v1/leaf/", json={"content": odd}).status_code == 422, odd


def test_an_export_names_files_by_their_hash(client: Any, app: Any, tmp_path: Any) -> None:
    from app.engine.surfaces import exports

    record = document()
    with policy.acting_as(viewer("admin")):
        exports.command("Leaf", "csv", tmp_path / "all.csv")
        sha256 = Records(registry.current().entity("Leaf")).get(record.id)["content.file"].sha256
    assert sha256 in (tmp_path / "all.csv").read_text("utf-8-sig")
    db.session.commit()


def test_filters_know_whether_there_is_a_file(client: Any) -> None:
    document()
    assert "采购合同.pdf" in client.get("/leaf/?f=content:nempty:").get_data(as_text=True)
    assert "采购合同.pdf" not in client.get("/leaf/?f=content:empty:").get_data(as_text=True)


# -- many at once ----------------------------------------------------------------------------


def test_files_dropped_on_a_record_are_filed_under_it_in_one_change_set(client: Any) -> None:
    shelf = given("Shelf")
    page = client.get(f"/shelf/{shelf.id}").get_data(as_text=True)
    address = f"/shelf/{shelf.id}/files/leaf/shelf"
    assert f'action="{address}"' in page
    assert "files.js" in page
    with policy.acting_as(viewer("admin")):
        numbers = [filed(f"第{n}份".encode(), f"第{n}份.txt") for n in range(3)]
        program = filed(b"MZ\x90\0", "setup.exe")
    data = {
        "file": [*map(str, numbers), str(program), "999999"],
        "files": [sent(), sent(b"", "空")],
    }
    answer = client.post(address, data=data, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "4 files were filed." in page
    assert "setup.exe" in page.split("Not filed:")[1]
    assert "空: The file is empty." in page
    with policy.acting_as(viewer("admin")):
        definition = registry.current().entity("Leaf")
        rows = [Records(definition).get(number) for number in Records(definition).ids()]
        assert [row["name"] for row in rows][:1] == ["第0份.txt"]
        assert {row["shelf"] for row in rows} == {shelf.id}
    undo = page.split('action="/changes/')[1].split('"')[0]
    client.post(f"/changes/{undo}")
    with policy.acting_as(viewer("admin")):
        assert not Records(registry.current().entity("Leaf")).ids()


def test_files_are_dropped_only_where_their_records_may_be_made(app: Any, browser: Any) -> None:
    shelf, other = given("Shelf"), given("Shelf")
    person = browser("guest")
    may = {"Shelf": {"read": "all"}, "Leaf": {"read": "all", "create": "all"}}
    for grants, status, offered in (
        (may, 303, True),
        ({**may, "Leaf": {"read": "all"}}, 404, False),
        ({**may, "Shelf": {"read": "own"}}, 404, None),
        ({"Leaf": may["Leaf"]}, 403, None),
    ):
        give(app, "Guest", {"grants": grants})
        answer = person.post(
            f"/shelf/{shelf.id}/files/leaf/shelf", data={"files": sent(name="a.pdf")}
        )
        assert answer.status_code == status, grants
        if offered is not None:
            page = person.get(f"/shelf/{shelf.id}").get_data(as_text=True)
            assert ("data-file-drop" in page) is offered
    client = browser("admin")
    for wrong in ("leaf/name", "leaf/nothing", "parcel/shelf", "nothing/shelf", "leaf/created_by"):
        assert client.post(f"/shelf/{other.id}/files/{wrong}").status_code == 404, wrong

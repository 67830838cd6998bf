"""The pages of an import, as somebody walks through them; the jobs run in between."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
import xlsxwriter
from sqlalchemy import select

import jobs
from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.appbuilder import accounts
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.job import Job
from app.engine.query import Records
from app.engine.surfaces.imports import ImportRun
from tests import factories
from tests.engine.toys import Parcel

FILE = "名称,货号,Pieces,grade\r\n箱子,A1,1,特级\r\n盒子,A2,2,新级\r\n袋子,A3,x,特级\r\n"


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)
    monkeypatch.setattr(queue, "forget", lambda job_id: None)


@pytest.fixture
def grades(app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        factories.make(
            "ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top"
        )


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def locked_xls() -> bytes:
    """A workbook of Excel 97 whose second record says that a password protects it."""
    bof = bytes.fromhex("0908100000060500bb0dcc070000000006000000")
    stream = (bof + bytes.fromhex("2f00060000000100b00400000a000000")).ljust(4096, b"\0")
    end, free, table = b"\xfe\xff\xff\xff", b"\xff\xff\xff\xff", b"\xfd\xff\xff\xff"
    head = OLE + bytes(16) + bytes.fromhex("3e000300feff09000600") + bytes(10)
    head += (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4)
    head += (4096).to_bytes(4, "little") + end + bytes(4) + end + bytes(4)
    head += bytes(4) + free * 108
    chain = b"".join((n + 1).to_bytes(4, "little") for n in range(2, 9)) + end
    fat = (table + end + chain).ljust(512, b"\xff")

    def entry(name: str, kind: int, child: bytes, start: bytes, size: int) -> bytes:
        raw = f"{name}\0".encode("utf-16-le")
        body = raw.ljust(64, b"\0") + len(raw).to_bytes(2, "little") + bytes([kind, 1])
        return body + free * 2 + child + bytes(36) + start + size.to_bytes(8, "little")

    root = entry("Root Entry", 5, (1).to_bytes(4, "little"), end, 0)
    book = entry("Workbook", 2, free, (2).to_bytes(4, "little"), len(stream))
    return head + fat + (root + book).ljust(512, b"\0") + stream


def zipped(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def repeated_ods() -> bytes:
    """A table of one cell that is said to be repeated sixteen thousand million times."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    cell = '<table:table-cell office:value-type="string" table:number-columns-repeated="16384">'
    row = f'<table:table-row table:number-rows-repeated="1000000">{cell}<text:p>x</text:p>'
    table = f'<table:table table:name="S">{row}</table:table-cell></table:table-row></table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    content = f"<office:document-content {spaces}>{body}</office:document-content>"
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return zipped(**{"mimetype": kind, "content.xml": content.encode()})


def bomb_xlsx() -> bytes:
    """Small, and more than a thousand million bytes once unpacked."""
    raw = bytearray(zipped(**{"xl/workbook.xml": b"<x/>", "xl/media/a": bytes(1_000_000)}))
    place = raw.rindex(b"PK\x01\x02") + 24  # the size, in the directory at the end
    raw[place : place + 4] = (2_000_000_000).to_bytes(4, "little")
    return bytes(raw)


def upload(
    client: Any, data: bytes | str = FILE, name: str = "包裹.csv", key: str = "parcel"
) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    return client.post(f"/import/{key}", data={"file": (io.BytesIO(raw), name)})


def run_of(address: str) -> ImportRun:
    db.session.rollback()
    found = db.session.get(ImportRun, int(address.rsplit("/", 1)[1]), populate_existing=True)
    assert found is not None
    return found


def work(address: str) -> None:
    """What a worker would do for the import now."""
    jobs.run_job(str(run_of(address).job_id))


def names() -> list[str]:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return list(db.session.scalars(select(Parcel.name).order_by(Parcel.id)))


def test_the_whole_way(client: Any, grades: None) -> None:
    assert client.get("/import/parcel").status_code == 200
    answer = upload(client)
    assert answer.status_code == 303
    here = answer.headers["Location"]
    page = client.get(here).get_data(as_text=True)
    assert "箱子" in page
    assert re.search(r'name="column-0".*?value="name" selected', page, re.DOTALL)
    form = {"columns": "1", "column-0": "name", "column-1": "code", "column-2": "pieces",
            "column-3": "grade", "key": "code", "approved": "1"}  # fmt: skip
    assert client.post(f"{here}/check", data=form).status_code == 303
    waiting = client.get(here).get_data(as_text=True)
    assert f'hx-get="{here}/status"' in waiting
    assert client.post(f"{here}/check", data=form).status_code == 409
    work(here)
    assert client.get(f"{here}/status").headers["HX-Refresh"] == "true"
    preview = client.get(here).get_data(as_text=True)
    assert "新级" in preview
    assert "“x” is not a number." in preview
    assert run_of(here).plan["unknown"] == {"grade": [["新级", 1]]}
    assert names() == []
    client.post(f"{here}/check", data={"choice-grade-0": "+"})
    work(here)
    assert run_of(here).plan["new"] == 2
    assert client.post(f"{here}/start").status_code == 303
    assert client.post(f"{here}/start").status_code == 409
    work(here)
    result = client.get(here).get_data(as_text=True)
    assert "Undo the import" in result
    assert names() == ["箱子", "盒子"]
    assert "新级" in registry.refresh().lists["toy_grade"]
    assert client.post(f"{here}/undo").status_code == 303
    assert names() == []
    assert "Taken back: 3." in client.get(here).get_data(as_text=True)
    again = upload(client)
    assert "imported before" not in client.get(again.headers["Location"]).get_data(as_text=True)


def test_a_large_undo_is_a_job(client: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.engine.surfaces.imports import pages

    monkeypatch.setattr(pages, "AT_ONCE", 1)
    here = imported(client, "name,code\r\na,1\r\nb,2\r\n")
    assert client.post(f"{here}/undo").status_code == 303
    assert "jobs/" in client.get(here).get_data(as_text=True)
    work(here)
    assert names() == []
    assert "Taken back: 2." in client.get(here).get_data(as_text=True)


def imported(client: Any, text: bytes | str, name: str = "包裹.csv") -> str:
    here = str(upload(client, text, name).headers["Location"])
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    work(here)
    return here


def test_the_same_file_again_is_said(client: Any, app: Any) -> None:
    imported(client, "name,code\r\na,1\r\n")
    page = client.get(upload(client, "name,code\r\na,1\r\n").headers["Location"])
    assert "imported before" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "empty.csv", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "photo.csv", "picture"),
        (b"%PDF-1.7", "letter.xlsx", "PDF"),
        (b"PK\x03\x04junk", "broken.xlsx", "damaged"),
        ("好,a\r\n".encode() * 20 + "坏".encode("gbk"), "mixed.csv", "Line 21"),
        ("好的,a\r\n".encode("gbk") * 20 + "华阳贸易,b".encode(), "mixed.csv", "Line 21"),
        ((",".join(f"c{n}" for n in range(1_000_000)) + "\r\n").encode(), "wide.csv", "too long"),
        (b'name,code\r\n"' + b"x" * 50_000_000 + b'",1\r\n', "cell.csv", "Line 2 is too long"),
        (OLE + "EncryptedPackage".encode("utf-16-le") + bytes(600), "locked.xlsx", "password"),
        (locked_xls(), "locked.xls", "password"),
        (locked_xls()[:1500], "cut.xls", "damaged"),
        (repeated_ods(), "bomb.ods", "damaged"),
        (bomb_xlsx(), "bomb.xlsx", "too large once unpacked"),
    ],
)
def test_what_is_no_table_is_refused_on_the_page(
    client: Any, app: Any, data: bytes, name: str, said: str
) -> None:
    answer = upload(client, data, name)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert db.session.scalars(select(ImportRun)).all() == []


def test_an_upload_to_a_full_disk_says_so_and_keeps_nothing(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:

        def no_room(*_arguments: Any) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(type(store()), "save", no_room)
        answer = upload(client, "name\r\na\r\n")
    assert answer.status_code == 422
    assert "The disk is full" in answer.get_data(as_text=True)
    assert db.session.scalars(select(ImportRun)).all() == []
    assert upload(client, "name\r\na\r\n").status_code == 303


def test_no_file_no_import(client: Any, app: Any) -> None:
    assert client.post("/import/parcel", data={}).status_code == 422


def test_a_mapping_twice_is_said_beside_the_form(client: Any, app: Any) -> None:
    here = upload(client, "a,b\r\n1,2\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "name"}
    answer = client.post(f"{here}/check", data=form)
    assert answer.status_code == 422
    assert "both mapped" in answer.get_data(as_text=True)
    assert client.post(f"{here}/check", data={"columns": "1"}).status_code == 422
    assert run_of(here).state == "uploaded"


def test_the_file_can_be_read_differently(client: Any, app: Any) -> None:
    here = upload(client, "name;a,b\r\nx;1,2\r\n").headers["Location"]
    before = list(run_of(here).columns or [])
    answer = client.post(f"{here}/format", data={"delimiter": ",", "header": "no"})
    assert answer.status_code == 303
    assert run_of(here).columns != before
    bad = client.post(f"{here}/format", data={"encoding": "utf-16"})
    assert bad.status_code in (303, 422)


def test_a_discarded_file_is_gone(client: Any, app: Any) -> None:
    here = upload(client).headers["Location"]
    path = str(run_of(here).file_path)
    with store().local(path):
        pass
    assert client.post(f"{here}/discard").status_code == 303
    assert client.get(here).status_code == 404
    assert client.post(f"{here}/start").status_code == 404


def test_all_or_nothing_does_not_start_with_refused_rows(client: Any, grades: None) -> None:
    here = upload(client).headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-2": "pieces", "all_or_nothing": "1"}
    client.post(f"{here}/check", data=form)
    work(here)
    answer = client.post(f"{here}/start")
    assert answer.status_code == 422
    assert "all or nothing" in answer.get_data(as_text=True)
    assert names() == []


def test_others_do_not_see_ones_imports(browser: Any, app: Any) -> None:
    here = upload(browser("sales"), "name\r\na\r\n", key="customer").headers["Location"]
    assert browser("sales").get(here).status_code == 200
    assert browser("sales2").get(here).status_code == 404
    assert browser("admin").get(here).status_code == 200
    both = app.appbuilder.sm.find_role("SystemAdmin"), app.appbuilder.sm.find_role("Sales")
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales2"), {}, [role.id for role in both])
    assert browser("sales2").get(here).status_code == 404, "previews show records of the asker's"
    assert browser("guest").get("/import/customer").status_code == 403
    assert browser(None).get(here).status_code in (302, 401)
    assert browser("admin").get(here.replace("customer", "contact")).status_code == 404


def test_a_file_that_is_gone_fails_the_job_with_a_reason(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    store().remove(str(run_of(here).file_path))
    work(here)
    job = db.session.get(Job, str(run_of(here).job_id))
    assert job is not None
    assert job.state == "failed"
    assert "not kept" in client.get(here).get_data(as_text=True)


def test_a_cancelled_run_can_go_on_or_be_undone(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    assert (
        client.post(f"/jobs/{run_of(here).job_id}/cancel", data={"next": here}).status_code == 303
    )
    assert "cancelled" in client.get(here).get_data(as_text=True)
    assert client.post(f"{here}/start").status_code == 303
    work(here)
    assert names() == ["a"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_in_both_languages(client: Any, app: Any, language: str) -> None:
    here = upload(client).headers["Location"]
    page = client.get(here, headers={"Accept-Language": language}).get_data(as_text=True)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page


def test_refused_rows_come_back_with_reasons_ready_to_be_mended(client: Any, app: Any) -> None:
    here = imported(client, "name,code,pieces,note\r\na,1,1,x\r\nb,2,zwei,=1+1\r\n,3,3,z\r\n")
    page = client.get(here).get_data(as_text=True)
    assert f'href="{here}/refused"' in page
    answer = client.get(f"{here}/refused")
    assert answer.headers["Content-Disposition"].endswith(".csv")
    raw = answer.get_data()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").splitlines()
    assert lines[0] == "name,code,pieces,note,Why it was refused"
    assert lines[1] == "b,2,zwei,'=1+1,pieces: “zwei” is not a number."
    assert lines[2] == ",3,3,z,name: This field is required."
    mended = raw.decode("utf-8-sig").replace("zwei", "2").replace("\n,3", "\nc,3")
    again = imported(client, mended.encode("utf-8-sig"))
    assert "Why it was refused" not in run_of(again).decided.mapping
    assert names() == ["a", "b", "c"]
    assert client.get(f"{again}/refused").status_code == 404


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_understood_when_it_comes_back(
    client: Any, app: Any, format: str, language: str
) -> None:
    answer = client.get(f"/import/parcel/template.{format}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    here = imported(client, answer.get_data(), f"template.{format}")
    run = run_of(here)
    assert set(run.columns or ()) == set(run.decided.mapping)
    assert (run.counts or {})["new"] == 1
    assert client.get("/import/parcel/template.pdf").status_code == 404


def test_the_mode_is_chosen_on_the_page_and_remembered(client: Any, app: Any) -> None:
    imported(client, "name,code\r\na,1\r\n")
    here = upload(client, "name,code\r\nA,1\r\nb,2\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "code", "key": "", "mode": "update"}
    refused = client.post(f"{here}/check", data=form)
    assert refused.status_code == 422
    assert "found by" in refused.get_data(as_text=True)
    assert client.post(f"{here}/check", data={**form, "key": "code"}).status_code == 303
    work(here)
    client.post(f"{here}/start")
    work(here)
    assert names() == ["A"]
    later = run_of(upload(client, "name,code\r\nc,3\r\n").headers["Location"])
    assert later.decided.mode == "update"


def test_likenesses_are_shown_and_decided_in_the_preview(client: Any, app: Any) -> None:
    imported(client, "name,code\r\n华阳（深圳）贸易有限公司,1\r\n")
    here = upload(client, "name,code\r\n华阳(深圳)贸易股份有限公司,2\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert "华阳（深圳）贸易有限公司" in page
    assert becomes(page) == ["Is added"]
    client.post(f"{here}/check", data={"near": "leave"})
    work(here)
    assert run_of(here).plan["duplicate"] == 1  # type: ignore[index]
    assert becomes(client.get(here).get_data(as_text=True)) == ["Left out"]
    client.post(f"{here}/check", data={"near": "update"})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert becomes(page) == ["Changes that record"]
    assert 'name="near"' in page


def becomes(page: str) -> list[str]:
    """What the preview says about each row that resembles something."""
    table = page[page.index('id="alike"') :]
    table = table[table.index("<tbody>") : table.index("</tbody>")]
    return re.findall(r"<td[^>]*>([^<]*)</td></tr>", table)


def test_what_was_chosen_for_a_column_last_is_proposed_again(client: Any, app: Any) -> None:
    for data, form in (
        (
            "name,Label,notes\r\na,x,1\r\n",
            {"column-0": "", "column-1": "name", "column-2": "notes"},
        ),
        ("name,code\r\nb,2\r\n", {"column-0": "name", "column-1": "code", "key": "code"}),
    ):
        here = upload(client, data).headers["Location"]
        client.post(f"{here}/check", data={"columns": "1", **form})
        work(here)
        client.post(f"{here}/start")
        work(here)
    assert names() == ["x", "b"]
    mapping = run_of(upload(client, "LABEL,code\r\nc,3\r\n").headers["Location"]).decided.mapping
    assert mapping == {"LABEL": "name", "code": "code"}
    again = run_of(upload(client, "name,Label,notes\r\nd,y,1\r\n").headers["Location"])
    assert again.decided.mapping == {"name": "name", "notes": "notes"}  # the last word on "name"


def test_a_column_that_was_left_out_stays_out(client: Any, app: Any) -> None:
    form = {"columns": "1", "column-0": "name", "column-1": ""}
    here = upload(client, "name,notes\r\na,secret\r\n").headers["Location"]
    client.post(f"{here}/check", data=form)
    work(here)
    client.post(f"{here}/start")
    work(here)
    later = run_of(upload(client, "name,notes,phone\r\nb,x,\r\n").headers["Location"])
    assert later.decided.mapping == {"name": "name", "phone": "phone"}


def test_the_sheet_that_names_fields_is_taken(client: Any, app: Any) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        for sheet, rows in (
            ("说明", [["填写说明"], ["第一条"], ["第二条"]]),
            ("空", []),
            ("数据", [["name", "code"], ["a", "1"]]),
        ):
            page = book.add_worksheet(sheet)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
    run = run_of(upload(client, stream.getvalue(), "a.xlsx").headers["Location"])
    assert run.decided.sheet == "数据"
    assert run.decided.mapping == {"name": "name", "code": "code"}


def test_a_header_is_known_by_the_fields_that_it_names(client: Any, app: Any) -> None:
    run = run_of(upload(client, "name,code,notes,notes\r\na,1,x,y\r\n").headers["Location"])
    assert run.decided.header
    assert run.columns == ["name", "code", "notes", "notes (2)"]
    data = run_of(upload(client, "甲,北京,北京\r\n乙,上海,上海\r\n").headers["Location"])
    assert not data.decided.header


def test_the_preview_counts_the_changes_of_each_field(client: Any, app: Any) -> None:
    imported(client, "name,code,pieces\r\na,1,1\r\nb,2,2\r\nc,3,3\r\n")
    here = upload(client, "name,code,pieces\r\nA,1,5\r\nb,2,6\r\nc,3,3\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    assert run_of(here).plan["fields"] == {"pieces": 2, "name": 1}  # type: ignore[index]
    page = client.get(here).get_data(as_text=True)
    assert re.search(r"<dt>Pieces</dt><dd>2 rows</dd>", page)
    assert re.search(r"<dt>Name</dt><dd>1 row</dd>", page)


def test_a_run_that_went_otherwise_than_the_preview_says_so(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Parcel", name="b", code="1")
    client.post(f"{here}/start")
    work(here)
    assert "not those of the preview" in client.get(here).get_data(as_text=True)


def test_rights_taken_away_while_the_job_waits(client: Any, browser: Any, app: Any) -> None:
    sales = browser("sales")
    here = upload(sales, "name\r\n甲\r\n", key="customer").headers["Location"]
    sales.post(f"{here}/check", data={})
    work(here)
    sales.post(f"{here}/start")
    with app.app_context():
        manager = app.appbuilder.sm
        person = manager.find_user("sales")
        kept, person.roles = list(person.roles), [manager.find_role("Guest")]
        db.session.commit()
    work(here)
    job = db.session.get(Job, str(run_of(here).job_id), populate_existing=True)
    assert job is not None
    assert job.state == "failed"
    with app.app_context():
        manager.find_user("sales").roles = [manager.find_role(role.name) for role in kept]
        db.session.commit()
    assert sales.post(f"{here}/start").status_code == 303
    work(here)
    assert (run_of(here).counts or {})["new"] == 1


def test_rights_taken_away_while_the_job_runs(
    browser: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before stays and can be undone; nothing more is written."""
    from app.domains.customers import Customer
    from app.engine.surfaces.imports import batches, running

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    sales, manager = browser("sales"), app.appbuilder.sm
    text = "name\r\n" + "".join(f"公司{n}\r\n" for n in range(6))
    here = upload(sales, text, key="customer").headers["Location"]
    sales.post(f"{here}/check", data={})
    work(here)
    sales.post(f"{here}/start")
    taken, real = [], running.Runner._take

    def take(*given: Any) -> None:
        real(*given)
        taken.append(1)
        if len(taken) == 2:
            with app.app_context():
                manager.find_user("sales").roles = [manager.find_role("Guest")]
                db.session.commit()
                db.session.remove()

    monkeypatch.setattr(running.Runner, "_take", take)
    work(here)

    def there() -> int:
        with policy.acting_as(policy.SYSTEM_VIEWER):
            return len(db.session.scalars(select(Customer.id)).all())

    job = db.session.get_one(Job, str(run_of(here).job_id), populate_existing=True)
    assert (job.state, run_of(here).state, there()) == ("failed", "running", 4)
    with app.app_context():
        manager.find_user("sales").roles = [manager.find_role("Sales")]
        db.session.commit()
    assert "Your rights have changed" in sales.get(here).get_data(as_text=True)
    sales.post(f"{here}/start")
    work(here)
    assert ((run_of(here).counts or {})["new"], there()) == (6, 6)


def test_two_people_import_the_same_file_at_once(client: Any, browser: Any, app: Any) -> None:
    other = browser("admin")
    text = "name,code\r\na,1\r\nb,2\r\n"
    pages = [str(upload(who, text).headers["Location"]) for who in (client, other)]
    for who, here in zip((client, other), pages, strict=True):
        who.post(f"{here}/check", data={})
        work(here)
        who.post(f"{here}/start")
    for here in pages:
        work(here)
    assert names() == ["a", "b"]
    assert [(run_of(here).counts or {})["new"] for here in pages] == [2, 0]
    assert (run_of(pages[1]).counts or {})["unchanged"] == 2


def test_a_full_disk_leaves_nothing_half_written_and_the_run_goes_on_later(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.changes import journal

    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    with monkeypatch.context() as full:

        def no_room(*_arguments: Any) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(journal, "load_rows", no_room)
        work(here)
    assert names() == []
    assert "The disk is full" in client.get(here).get_data(as_text=True)
    assert client.post(f"{here}/start").status_code == 303
    work(here)
    assert names() == ["a"]


# -- refused rows, before and after ------------------------------------------------------------


def refused_of(client: Any, here: str) -> list[str]:
    answer = client.get(f"{here}/refused")
    assert answer.status_code == 200
    return answer.get_data().decode("utf-8-sig").splitlines()[1:]


def test_the_preview_gives_the_refused_rows_as_a_file(client: Any, app: Any) -> None:
    here = upload(client, "name,pieces\r\na,1\r\nb,zwei\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    assert f'href="{here}/refused"' in client.get(here).get_data(as_text=True)
    assert refused_of(client, here) == ["b,zwei,pieces: “zwei” is not a number."]
    client.post(f"{here}/columns")
    client.post(f"{here}/check", data={"columns": "1", "column-0": "name"})
    work(here)
    assert client.get(f"{here}/refused").status_code == 404
    client.post(f"{here}/columns")
    client.post(f"{here}/check", data={"columns": "1", "column-0": "name", "column-1": "pieces"})
    work(here)
    client.post(f"{here}/start")
    work(here)
    assert refused_of(client, here) == ["b,zwei,pieces: “zwei” is not a number."]


def test_all_or_nothing_that_stopped_tells_every_row_that_stood_in_its_way(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.surfaces.imports import batches

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    text = "name,code\r\n" + "".join(f"p{n},{n}\r\n" for n in range(8))
    here = upload(client, text).headers["Location"]
    form = {
        "columns": "1",
        "column-0": "name",
        "column-1": "code",
        "key": "",
        "all_or_nothing": "1",
    }
    client.post(f"{here}/check", data=form)
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Parcel", name="there", code="3")
        factories.make("Parcel", name="there too", code="6")
    client.post(f"{here}/start")
    work(here)
    run = run_of(here)
    assert (run.state, (run.counts or {})["refused"]) == ("reversed", 2)
    assert names() == ["there", "there too"]
    assert [line.split(",")[0] for line in refused_of(client, here)] == ["p3", "p6"]
    assert "Code: another record" in client.get(here).get_data(as_text=True)


# -- making what is missing --------------------------------------------------------------------


def shelves() -> list[str]:
    from tests.engine.toys import Shelf

    db.session.rollback()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return sorted(db.session.scalars(select(Shelf.name)))


def test_what_a_column_names_is_made_once_where_the_user_wants_it(client: Any, app: Any) -> None:
    rows = [f"p{n},{'新架' if n % 2 else '旧架'},{n}" for n in range(6)]
    text = "name,shelf,pieces\r\n" + "\r\n".join([*rows, "bad,坏架,x"])
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Shelf", name="旧架")
    here = upload(client, text).headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert 'name="make-shelf"' in page
    assert "2 names that are not there" in page
    assert run_of(here).plan["refused"] == 4  # type: ignore[index]
    client.post(f"{here}/check", data={"make-shelf": "1"})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert "1 new record is made on the way: Shelves" in page
    assert shelves() == ["旧架"]
    client.post(f"{here}/start")
    work(here)
    assert shelves() == ["新架", "旧架"]
    run = run_of(here)
    assert ((run.counts or {})["new"], (run.counts or {})["made"]) == (6, 1)
    page = client.get(here).get_data(as_text=True)
    assert "not those of the preview" not in page
    assert "1 record was made on the way" in page
    client.post(f"{here}/undo")
    assert (names(), shelves()) == ([], ["旧架"])


def test_what_is_made_may_get_the_word_as_its_code(client: Any, app: Any) -> None:
    """Beside the fields' names the page offers the codes that a word may be."""
    here = upload(client, "客户编号,name\r\n00017,甲\r\n", key="contact").headers["Location"]
    page = client.get(here).get_data(as_text=True)
    assert '<option value="external_code">Make new records, by External code' in page
    form = {"columns": "1", "column-0": "customer", "column-1": "name"}
    client.post(f"{here}/check", data={**form, "make-customer": "external_code"})
    work(here)
    client.post(f"{here}/start")
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        (made,) = Records(registry.current().entity("Customer")).page(5).rows
    assert (made["name"], made["external_code"]) == ("00017", "00017")


def test_a_changed_reference_is_shown_by_name_in_the_preview(client: Any, app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        old = factories.make("Shelf", name="旧架")
        factories.make("Parcel", name="a", code="1", shelf=old.id)
        factories.make("Parcel", name="b", code="2", shelf=None)
    here = upload(client, "name,code,shelf\r\na,1,新架\r\nb,2,旧架\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "code", "column-2": "shelf"}
    client.post(f"{here}/check", data={**form, "key": "code", "make-shelf": "1"})
    work(here)
    changes_shown = client.get(here).get_data(as_text=True).split('id="changes"')[1]
    assert changes_shown.count("旧架") == 2
    assert "新架" in changes_shown


def test_nothing_is_made_by_those_who_may_not(browser: Any, app: Any) -> None:
    """Making a customer on the way takes the right to make one; it is not even offered without."""
    from app.engine.policy import RoleGrant

    with app.app_context():
        role = app.appbuilder.sm.find_role("Sales")
        grant = db.session.scalar(
            select(RoleGrant).where(
                RoleGrant.role_id == role.id, RoleGrant.entity == "Customer",
                RoleGrant.action == "create",
            )
        )  # fmt: skip
        assert grant is not None
        grant.scope = "none"
        db.session.commit()
    sales = browser("sales")
    app.extensions.pop("steward.rights", None)
    here = upload(sales, "name,customer\r\n甲,没有这家\r\n", key="contact").headers["Location"]
    assert 'name="make-customer"' not in sales.get(here).get_data(as_text=True)
    form = {"columns": "1", "column-0": "name", "column-1": "customer", "make-customer": "1"}
    sales.post(f"{here}/check", data=form)
    work(here)
    assert run_of(here).plan["refused"] == 1  # type: ignore[index]


def test_contacts_bring_their_customers_along(client: Any, app: Any) -> None:
    text = "customer,name,phone\r\n新一家公司,甲,010-88880001\r\n新一家公司,乙,010-88880002\r\n"
    here = upload(client, text, key="contact").headers["Location"]
    form = {"columns": "1", "column-0": "customer", "column-1": "name", "column-2": "phone"}
    client.post(f"{here}/check", data={**form, "make-customer": "1"})
    work(here)
    assert (run_of(here).plan["new"], run_of(here).plan["made"]) == (2, 1)  # type: ignore[index]
    client.post(f"{here}/start")
    work(here)
    assert ((run_of(here).counts or {})["new"], (run_of(here).counts or {})["made"]) == (2, 1)
    assert run_of(here).state == "done"


# -- templates ------------------------------------------------------------------------------------


def test_a_template_lists_the_choices_and_marks_what_is_required(
    client: Any, app: Any, grades: None
) -> None:
    import zipfile

    answer = client.get("/import/parcel/template.xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        first = archive.read("xl/worksheets/sheet1.xml").decode()
        words = archive.read("xl/sharedStrings.xml").decode()
    assert "<formula1>'Choices'!$" in first
    assert "Name *" in words
    assert "Code *" not in words
    assert "Top" in words
    lines = client.get("/import/parcel/choices.csv").get_data().decode("utf-8-sig").splitlines()
    assert lines[0] == "Field,Choice,Belongs to"
    assert "Grade,Top," in lines
    assert "Colour,Blue," in lines
    plain = client.get("/import/parcel/template.csv").get_data().decode("utf-8-sig")
    assert plain.startswith("Name *,Code,")

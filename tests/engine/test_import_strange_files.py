"""Files that are no table, or not what they seem, are refused on the page of an import."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from sqlalchemy import select

from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.surfaces.imports import ImportRun
from tests.engine.import_walk import run_of, upload

pytestmark = pytest.mark.usefixtures("sent")


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

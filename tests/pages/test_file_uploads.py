"""Files sent in parts by tus 1.0: resumed after a cut, one's own alone, never half there."""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
from typing import Any

import pytest
from sqlalchemy import select, update

from app.engine import files, policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import Storage, store
from app.engine.files import uploads
from app.engine.files.models import UploadPart
from tests.test_contract import give

CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 40
API = "/api/v1/files/"
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(autouse=True)
def _no_parts_of_other_tests(app: Any) -> None:
    for path in store().paths(uploads.FOLDER):
        store().remove(path)


def begin(client: Any, size: int = len(CONTENT), name: str = "采购合同.pdf", **more: str) -> Any:
    called = base64.b64encode(name.encode()).decode()
    given = {"Upload-Length": str(size), "Upload-Metadata": f"filename {called},filetype eA=="}
    return client.post(API, headers={**TUS, **given, **more})


def begun(client: Any, **more: Any) -> str:
    answer = begin(client, **more)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def add(client: Any, address: str, at: int, part: bytes, **more: str) -> Any:
    return client.patch(address, data=part, headers={**PART, "Upload-Offset": str(at), **more})


def arrived(client: Any, address: str) -> int:
    answer = client.head(address, headers=TUS)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return int(answer.headers["Upload-Offset"])


def finish(client: Any, address: str) -> Any:
    return client.post(f"{address}/finish")


def parts_kept() -> list[str]:
    return store().paths(uploads.FOLDER)


def test_it_says_what_it_speaks(client: Any) -> None:
    answer = client.options(API)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,expiration,termination"
    assert int(answer.headers["Tus-Max-Size"]) > 2 * 2**30
    refused = client.post(API, headers={"Upload-Length": "5", "Tus-Resumable": "0.2.2"})
    assert (refused.status_code, refused.headers["Tus-Version"]) == (412, "1.0.0")


def test_a_file_arrives_in_parts_and_is_filed(client: Any) -> None:
    address = begun(client)
    at = 0
    for size in (1, 4000, 3000, len(CONTENT)):
        answer = add(client, address, at, CONTENT[at : at + size])
        at = min(at + size, len(CONTENT))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(at))
        assert answer.headers["Upload-Expires"].endswith("GMT")
        assert arrived(client, address) == at
    told = finish(client, address).get_json()
    assert told["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (told["name"], told["media_type"], told["kind"]) == (
        "采购合同.pdf",
        "application/pdf",
        "PDF",
    )
    assert not parts_kept()
    assert finish(client, address).get_json() == told, "asked again it says the same"
    made = client.post("/api/v1/leaf/", json={"name": "", "content": told["id"]})
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["result"]["name"] == "采购合同.pdf"


def test_after_a_cut_it_goes_on_where_it_stopped(client: Any, monkeypatch: Any) -> None:
    """What came before the line broke counts; what comes twice or too far on does not."""
    address = begun(client)

    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            if not found:
                raise ConnectionResetError
            return found

    cut = client.patch(
        address,
        input_stream=Cut(CONTENT[:5000]),
        headers={**PART, "Upload-Offset": "0", "Content-Length": "9000"},
    )
    assert (cut.status_code, arrived(client, address)) == (204, 5000)
    for at in (0, 4999, 5001, 99999):
        assert add(client, address, at, b"xx").status_code == 409, at
    assert add(client, address, 5000, CONTENT[5000:]).status_code == 204
    assert finish(client, address).get_json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def test_what_is_not_whole_is_no_file(client: Any) -> None:
    address = begun(client)
    add(client, address, 0, CONTENT[:100])
    assert finish(client, address).status_code == 409
    assert client.post("/api/v1/leaf/", json={"content": 1}).status_code == 422


def test_more_than_was_announced_is_refused(client: Any) -> None:
    address = begun(client, size=10)
    assert add(client, address, 0, b"x" * 11).status_code == 413
    assert arrived(client, address) == 0
    assert not parts_kept()


@pytest.mark.parametrize("size", ["", "-1", "0", "x", "9" * 20, "9" * 14])
def test_wrong_lengths(client: Any, size: str) -> None:
    answer = begin(client, **{"Upload-Length": size})
    assert answer.status_code in (400, 413, 422)
    assert answer.get_json()["message"]


def test_wrong_headers(client: Any) -> None:
    address = begun(client)
    given = {"Upload-Metadata": "filename !!"}
    assert begin(client, **given).status_code == 400
    assert (
        client.patch(address, data=b"x", headers={**TUS, "Upload-Offset": "0"}).status_code == 415
    )
    assert client.patch(address, data=b"x", headers=PART).status_code == 400
    assert client.patch(address, data=b"x", headers={"Upload-Offset": "0"}).status_code == 412
    assert client.post(address, headers=TUS).status_code == 400
    way = {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}
    assert client.post(address, data=b"%PDF", headers={**PART, **way}).status_code == 204
    assert arrived(client, address) == 4


def test_an_upload_belongs_to_whoever_began_it(app: Any, browser: Any) -> None:
    client, other = browser("admin"), browser("sales")
    address = begun(client)
    asked = (
        other.head(address, headers=TUS),
        add(other, address, 0, CONTENT),
        finish(other, address),
        other.delete(address, headers=TUS),
        browser("admin").head(f"{API}{'0' * 32}", headers=TUS),
    )
    assert [answer.status_code for answer in asked] == [404] * 5
    assert browser(None).head(address, headers=TUS).status_code == 401
    assert arrived(client, address) == 0
    give(app, "Guest", {"grants": {"*": {"read": "all"}}})
    assert begin(browser("guest")).status_code == 403, "who can file nothing sends nothing"


def test_given_up_it_leaves_nothing(client: Any) -> None:
    address = begun(client)
    add(client, address, 0, CONTENT[:100])
    assert client.delete(address, headers=TUS).status_code == 204
    assert client.head(address, headers=TUS).status_code == 404
    assert not parts_kept()


def test_left_alone_for_a_day_it_is_over(client: Any) -> None:
    address = begun(client)
    add(client, address, 0, CONTENT[:100])
    with write_transaction() as session:
        past = now() - datetime.timedelta(minutes=1)
        session.execute(update(files.FileUpload).values(expires_at=past))
    assert client.head(address, headers=TUS).status_code == 410
    assert add(client, address, 100, CONTENT[100:]).status_code == 410


def test_two_that_send_the_same_part_at_once(client: Any, monkeypatch: Any) -> None:
    """The one whose part is noted second is told so, and its part is taken away again."""
    address = begun(client)
    save = Storage.save

    def beaten(self: Storage, path: str, source: Any) -> int:
        monkeypatch.setattr(Storage, "save", save)
        assert add(client, address, 0, CONTENT[:700]).status_code == 204
        return save(self, path, source)

    monkeypatch.setattr(Storage, "save", beaten)
    assert add(client, address, 0, CONTENT[:300]).status_code == 409
    assert arrived(client, address) == 700
    assert len(parts_kept()) == 1


def test_the_same_file_twice_at_once_from_two_people_is_kept_once(app: Any, browser: Any) -> None:
    give(app, "Sales", {"grants": {"Leaf": {"read": "own", "create": "own"}}})
    people = [browser("admin"), browser("sales")]
    addresses = [begun(one, name=f"{n}.pdf") for n, one in enumerate(people)]
    for one, address in zip(people, addresses, strict=True):
        add(one, address, 0, CONTENT)
    told = [finish(o, a).get_json() for o, a in zip(people, addresses, strict=True)]
    assert told[0]["id"] == told[1]["id"]
    assert [one["name"] for one in told] == ["0.pdf", "1.pdf"]


def test_somebody_is_putting_it_together_already(client: Any) -> None:
    address = begun(client)
    add(client, address, 0, CONTENT)
    with write_transaction() as session:
        session.execute(update(files.FileUpload).values(claimed_at=now()))
    assert finish(client, address).status_code == 409
    with write_transaction() as session:  # who has died at it is followed by another
        long_ago = now() - datetime.timedelta(hours=1)
        session.execute(update(files.FileUpload).values(claimed_at=long_ago))
    assert finish(client, address).status_code == 200


@pytest.mark.parametrize("broken", ["save", "write", "move"])
def test_a_full_store_is_said_and_nothing_is_lost(
    client: Any, monkeypatch: Any, broken: str
) -> None:
    import errno

    address = begun(client)

    def full(*_arguments: Any) -> Any:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Storage, broken, full)
    if broken == "save":
        answer = add(client, address, 0, CONTENT)
    else:
        add(client, address, 0, CONTENT)
        answer = finish(client, address)
    assert answer.status_code == 507
    assert "disk is full" in answer.get_json()["message"]
    monkeypatch.undo()
    if broken == "save":
        assert add(client, address, 0, CONTENT).status_code == 204
    assert finish(client, address).status_code == 200


def test_a_file_for_which_there_is_no_room_is_not_begun(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Storage, "free", lambda self: 1000)
    assert begin(client).status_code == 507


def test_too_many_at_once(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    begun(client)
    begun(client)
    assert begin(client).status_code == 422


def test_a_part_that_the_store_lost_is_noticed(client: Any) -> None:
    address = begun(client)
    add(client, address, 0, CONTENT[:100])
    add(client, address, 100, CONTENT[100:])
    with policy.unrestricted("the test takes a part away") as session:
        path = session.scalar(select(UploadPart.path))
    store().remove(str(path))
    assert finish(client, address).status_code == 404
    assert not db.session.scalar(select(files.StoredFile.id))

"""The same store in S3: against a server that speaks it, over the network."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.engine import files, registry
from app.engine.adapters import storage, vault
from app.engine.adapters.database import db
from app.engine.adapters.storage import Storage, StoreAway, store
from app.engine.changes import change_set
from app.engine.errors import NotFound
from app.engine.files import uploads
from tests.factories import filed

pytestmark = pytest.mark.once
BUCKET = "steward"
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "for tests only")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        running.start()
        host, port = running.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield running
        running.stop()


@pytest.fixture
def far(app: Any, as_admin: Any, server: Any, request: Any) -> Iterator[Storage]:
    """The application's store, in S3; a folder of its own for each test."""
    near = app.extensions["steward.storage"]
    app.extensions["steward.storage"] = Storage(f"s3://{BUCKET}/{request.node.name}")
    yield store()
    app.extensions["steward.storage"] = near


def leaf() -> registry.EntityDefinition:
    return registry.current().entity("Leaf")


def in_the_bucket() -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {one["Key"] for one in found}


def test_contents_are_kept_once_and_read_from_any_place(far: Storage) -> None:
    stored = files.put(io.BytesIO(CONTENT), "x.pdf")
    assert files.put(io.BytesIO(CONTENT), "y.pdf").id == stored.id
    assert stored.media_type == "application/pdf"
    assert far.paths() == [stored.path]
    with files.open_file(stored.sha256) as file:
        assert file.seek(500_000) == 500_000
        assert file.read(7) == CONTENT[500_000:500_007]
        file.seek(0)
        assert file.read() == CONTENT
    assert far.written_at(stored.path) is not None
    far.remove(stored.path)
    far.remove(stored.path)
    assert not far.has(stored.path)
    with pytest.raises(NotFound):
        files.open_file(stored.sha256).read(1)


def test_uploads_in_parts_are_put_together_there(far: Storage) -> None:
    upload = uploads.begin("x.pdf", len(CONTENT))
    for at in range(0, len(CONTENT), 300_000):
        uploads.take(upload, at, io.BytesIO(CONTENT[at : at + 300_000]))
        db.session.expire_all()
        upload = uploads.find(upload.token)
    stored = uploads.finish(upload)
    assert far.paths() == [stored.path]
    with files.open_file(stored.sha256) as file:
        assert file.read() == CONTENT


def test_a_download_gives_parts(far: Storage, client: Any) -> None:
    with change_set("form") as changes:
        record = changes.create(leaf(), {"content": filed(CONTENT, "x.pdf")})
    answer = client.get(f"/leaf/{record.id}/file/content", headers={"Range": "bytes=1000-1999"})
    assert (answer.status_code, answer.data) == (206, CONTENT[1000:2000])
    assert client.get(f"/leaf/{record.id}/file/content").data == CONTENT


def test_what_is_kept_there_is_encrypted_where_keys_are_set(far: Storage) -> None:
    vault.use(("a key of at least thirty-two characters",))
    try:
        stored = files.put(io.BytesIO(CONTENT), "x.pdf")
        raw = boto3.client("s3").get_object(
            Bucket=BUCKET, Key=f"{far._root[len(BUCKET) + 1 :]}/{stored.path}"
        )
        assert CONTENT[:20] not in raw["Body"].read()
        with files.open_file(stored.sha256) as file:
            file.seek(-9, io.SEEK_END)
            assert file.read() == CONTENT[-9:]
    finally:
        vault.use(())


def test_a_source_that_breaks_leaves_nothing_there(far: Storage) -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 400_000:
                raise ConnectionResetError
            return super().read(100_000)

    before = in_the_bucket()
    with pytest.raises(ConnectionResetError):
        files.put(Cut(CONTENT), "x.pdf")
    assert in_the_bucket() == before
    assert not boto3.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_a_store_that_is_gone_is_said_and_nothing_is_half_filed(
    app: Any, as_admin: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for tests only")
    monkeypatch.setitem(storage._PATIENCE, "endpoint_url", "http://127.0.0.1:9")
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    near = app.extensions["steward.storage"]
    app.extensions["steward.storage"] = Storage(f"s3://{BUCKET}/gone")
    try:
        with pytest.raises(StoreAway):
            files.put(io.BytesIO(CONTENT), "x.pdf")
        answer = client.post(
            "/leaf/add",
            data={"name": "x", "content.file": (io.BytesIO(b"%PDF-1.7"), "x.pdf")},
        )
    finally:
        app.extensions["steward.storage"] = near
    assert answer.status_code == 422, "the form stays, with what was typed"
    assert "file store does not answer" in answer.get_data(as_text=True)
    assert not db.session.query(files.StoredFile).count()
    assert not db.session.query(files.FileUpload).count()

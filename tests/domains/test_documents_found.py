"""A document is found by what its files say and opened from there; a closed one asks for no more files."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.domains.documents.version import DocumentVersion
from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from tests.domains.documents import hold, in_force
from tests.factories import filed, make, user_id, viewer
from tests.reading_files import read_all

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)


def with_file(text: str, **values: Any) -> tuple[Any, Any]:
    """A draft and its file, which has been read."""
    document = make("Document", **values)
    version = make("DocumentVersion", document=document.id)
    content = filed(text.encode(), "附件一.txt")
    file = make("DocumentFile", document_version=version.id, content=content, name="附件一.txt")
    read_all()
    return document, file


@pytest.mark.usefixtures("as_admin")
def test_a_hit_in_a_file_leads_to_its_document(client: Any) -> None:
    document, file = with_file("其中写着琉璃瓦当四个字", title="年度采购合同")
    page = client.get("/search?q=琉璃瓦当").text
    assert f'<a href="/document/{document.id}">年度采购合同</a>' in page
    assert f'<a href="/document_file/{file.id}/preview/content">附件一.txt</a>' in page
    assert "<mark>琉璃瓦当</mark>" in page
    assert f'data-href="/document_file/{file.id}"' not in page


# Without `as_admin`, which would stand in for whoever the browser is of.
def test_whoever_may_not_see_the_document_finds_nothing_of_it(browser: Any) -> None:
    with policy.acting_as(viewer("admin")):
        mine = {"customer": make("Customer", account_manager=user_id("sales")).id}
        seen, _file = with_file(
            "写着琉璃瓦当", title="公开的合同", confidentiality="public", **mine
        )
        secret, _other = with_file(
            "也有琉璃瓦当", title="机密的合同", confidentiality="secret", **mine
        )
    sales = browser("sales")
    assert sales.get(f"/document/{seen.id}").status_code == 200
    assert sales.get(f"/document/{secret.id}").status_code == 404
    page = sales.get("/search?q=琉璃瓦当").text
    assert f'<a href="/document/{seen.id}">公开的合同</a>' in page
    assert f'"/document/{secret.id}"' not in page
    assert "机密的合同" not in page
    assert page.count("<mark>") == 1


def version_of(document: Any) -> int:
    model: Any = DocumentVersion
    found = db.session.scalar(select(model.id).where(model.document_id == document.id))
    assert found is not None
    return int(found)


@pytest.mark.usefixtures("as_admin")
def test_a_draft_takes_files_and_versions(client: Any) -> None:
    document = make("Document")
    version = make("DocumentVersion", document=document.id)
    assert "data-file-drop" in client.get(f"/document_version/{version.id}").text
    assert "/document_version/add?" in client.get(f"/document/{document.id}").text


@pytest.mark.usefixtures("as_admin")
def test_a_version_that_was_in_force_says_why_it_takes_no_files(client: Any) -> None:
    document = in_force()
    page = client.get(f"/document_version/{version_of(document)}").text
    assert "data-file-drop" not in page
    assert "add a new version instead" in page
    assert "/document_version/add?" in client.get(f"/document/{document.id}").text


@pytest.mark.usefixtures("as_admin")
def test_one_that_is_held_says_under_which_case(client: Any) -> None:
    document = make("Document")
    version = make("DocumentVersion", document=document.id)
    hold(document, case="仲裁 2026-7", reason="争议未决")
    page = client.get(f"/document_version/{version.id}").text
    assert "data-file-drop" not in page
    assert "Nothing is added here now: Legal hold, case 仲裁 2026-7" in page
    assert "/document_version/add?" not in client.get(f"/document/{document.id}").text

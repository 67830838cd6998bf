"""The catalogue's page, its files, labels and the package itself: given out to whoever may have them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from pypdf import PdfReader

from app.engine import policy
from tests.domains.test_archiving import a_class, a_document, collected, no_queue, sealed
from tests.factories import make, viewer

pytestmark = pytest.mark.usefixtures("no_queue")
__all__ = ["no_queue"]


@pytest.fixture
def package(app: Any) -> Any:
    with policy.acting_as(viewer("admin")):
        kind, fonds = a_class(code="TH"), make("Fonds", code="R001", name="润科科技")
        for _number in range(2):
            a_document(document_class=kind.id)
        return collected(document_class=kind.id, fonds=fonds.id)


def sealed_by_admin(package: Any) -> Any:
    with policy.acting_as(viewer("admin")):
        return sealed(package)


def test_the_catalogue_is_a_page_a_pdf_and_a_sheet(package: Any, client: Any) -> None:
    here = f"/archive_package/{package.id}/catalogue"
    page = client.get(here)
    assert page.status_code == 200
    assert "R001 润科科技" in page.text
    assert "labels.pdf" not in page.text, "there are no numbers yet"
    assert client.get(f"/archive_package/{package.id}/labels.pdf").status_code == 404
    assert client.get(f"/archive_package/{package.id}/package.zip").status_code == 404
    made = sealed_by_admin(package)
    page = client.get(here)
    assert "R001-TH-2026-D10-0002" in page.text
    assert made.seal in page.text
    pdf = client.get(f"{here}.pdf")
    assert pdf.mimetype == "application/pdf"
    text = PdfReader(io.BytesIO(pdf.data)).pages[0].extract_text().replace("\0", "")
    assert "R001-TH-2026-D10-0001" in text
    assert client.get(f"{here}.xlsx").data[:2] == b"PK"
    assert client.get(f"{here}.docx").status_code == 404
    labels = client.get(f"/archive_package/{package.id}/labels.pdf")
    assert len(PdfReader(io.BytesIO(labels.data)).pages) == 1
    taken = client.get(f"/archive_package/{package.id}/package.zip")
    with zipfile.ZipFile(io.BytesIO(taken.data)) as archive:
        assert f"{made.number}/bagit.txt" in archive.namelist()


def test_those_without_the_right_get_nothing(package: Any, browser: Any) -> None:
    sealed_by_admin(package)
    sales = browser("sales")
    for name in ("catalogue", "catalogue.pdf", "catalogue.xlsx", "labels.pdf", "package.zip"):
        assert sales.get(f"/archive_package/{package.id}/{name}").status_code in (403, 404)


def test_only_packages_have_catalogues(client: Any) -> None:
    with policy.acting_as(viewer("admin")):
        customer = make("Customer")
    assert client.get(f"/customer/{customer.id}/catalogue").status_code == 404
    assert client.get("/archive_package/999999/catalogue").status_code == 404


def test_the_record_leads_to_its_catalogue(package: Any, client: Any) -> None:
    assert (
        f"/archive_package/{package.id}/catalogue"
        in client.get(f"/archive_package/{package.id}").text
    )

"""What stands in a field that one may not see is not told by what is offered or said beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.bulk import acts
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from tests import factories
from tests.domains.test_archiving import a_class, a_document, collected, no_queue, sealed

__all__ = ["no_queue"]

Giving = Callable[..., None]


@pytest.fixture
def guest_sees(app: Flask) -> Giving:
    """`guest_sees("Crate", stage="hidden")`: the guest may do everything, with such access to fields.

    Called again for another entity it adds to what was said.
    """
    given: dict[str, dict[str, str]] = {}

    def give(entity: str, **fields: str) -> None:
        given[entity] = fields
        manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
        role = manager.add_role("Untold")
        rights = {"grants": {"*": {"*": "all"}}, "fields": given}
        policy.replace_role(db.session(), role.id, rights)
        manager.find_user("guest").roles = [role]
        registry.raise_version(db.session(), registry.RIGHTS)
        db.session.commit()
        policy.refresh_rights(registry.versions())

    return give


@pytest.mark.parametrize("access", ["hidden", "masked"])
def test_steps_are_not_offered_by_a_state_that_is_not_seen(
    browser: Any, guest_sees: Giving, access: str
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        record = factories.make("Crate")
    client = browser("guest")
    guest_sees("Crate", stage="write")
    assert f"/crate/{record.id}/do/send" in client.get(f"/crate/{record.id}").text
    guest_sees("Crate", stage=access)
    assert "/do/" not in client.get(f"/crate/{record.id}").text
    for name in ("send", "give"):  # the one that could be done, and one that could not
        assert client.get(f"/crate/{record.id}/do/{name}").status_code == 404
        assert client.post(f"/crate/{record.id}/do/{name}").status_code == 404
    with policy.acting_as(factories.viewer("guest")):
        offered = acts.offered(registry.current().entity("Crate"))
    assert not [act for act in offered if act.name.startswith("do:")]


def test_a_choice_that_does_not_fit_does_not_name_a_hidden_one(
    app: Flask, guest_sees: Giving
) -> None:
    customers = registry.current().entity("Customer")
    with policy.acting_as(factories.viewer("admin")):
        record = factories.make("Customer", approved=True, province="330000")
    said = {}
    for access in ("read", "masked", "hidden"):
        guest_sees("Customer", province=access)
        with (
            policy.acting_as(factories.viewer("guest")),
            pytest.raises(InvalidInput) as refused,
            change_set("form") as changes,
        ):
            changes.update(customers, record.id, {"city": "440300"})
        (problem,) = refused.value.problems
        said[access] = str(problem.message)
    province = customers.fields["province"].text("330000")
    assert [province in text for text in said.values()] == [True, False, False]


def test_a_masked_moment_is_no_moment_that_a_remark_could_hang_on(
    browser: Any, guest_sees: Giving
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        record = factories.make("Ticket")
    client = browser("guest")
    guest_sees("Ticket", opened_at="masked", times_doubtful="masked")
    page = client.get(f"/ticket/{record.id}")
    assert page.status_code == 200
    assert "Its times contradict each other" not in page.text


def test_views_whose_names_are_not_seen_are_not_listed(browser: Any, guest_sees: Giving) -> None:
    guest_sees("SavedView", name="write")
    client = browser("guest")
    assert client.post("/shelf/views", data={"name": "龘靐", "f": "id:ge:1"}).status_code < 400
    assert "龘靐" in client.get("/shelf/views").text
    guest_sees("SavedView", name="masked")
    assert "龘靐" not in client.get("/shelf/views").text


@pytest.mark.usefixtures("no_queue")
def test_a_catalogue_says_no_more_than_the_fields_that_are_seen(
    browser: Any, guest_sees: Giving
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        kind = a_class(code="TH")
        fonds = factories.make("Fonds", code="R001", name="润科科技")
        a_document(document_class=kind.id, title="龘靐合同")
        package = sealed(collected(document_class=kind.id, fonds=fonds.id, title="焱垚归档"))
    client, here = browser("guest"), f"/archive_package/{package.id}"
    guest_sees("Fonds", code="write")
    for text in ("R001 润科科技", "焱垚归档", "龘靐合同"):
        assert text in client.get(f"{here}/catalogue").text
    assert client.get(f"{here}/package.zip").status_code == 200
    guest_sees("Fonds", code="masked", name="hidden")
    guest_sees("ArchivePackage", title="hidden", seal="masked")
    guest_sees("ArchiveItem", title="masked", dated_on="masked", year="hidden")
    guest_sees("Document", title="masked")
    page = client.get(f"{here}/catalogue").text
    for text in ("润科科技", "焱垚归档", "龘靐合同", package.seal):
        assert text not in page
    for name in ("catalogue.pdf", "catalogue.xlsx", "labels.pdf"):
        assert client.get(f"{here}/{name}").status_code == 200
    assert client.get(f"{here}/package.zip").status_code == 404, "all of it stands in there"

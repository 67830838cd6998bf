"""What holds for every registered entity, by declaration alone. A new entity is covered at once."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask_babel import force_locale

import app.domains  # noqa: F401
import tests.engine.toys  # noqa: F401
from app.engine import people, policy, registry
from app.engine.changes import change_set
from app.engine.entity import DECLARED
from app.engine.query import Records
from tests.factories import FACTORIES, make, viewer

ENTITIES = sorted(DECLARED)
OVER = {"LegalHold": {"until": datetime.date(2020, 1, 1)}}
"""What makes a record of an entity one that may be deleted."""


@pytest.fixture(params=ENTITIES)
def definition(request: pytest.FixtureRequest, app: Any) -> registry.EntityDefinition:
    return registry.current().entity(request.param)


@pytest.fixture
def record(definition: registry.EntityDefinition) -> Any:
    with policy.acting_as(viewer("admin")):
        return make(definition.name, **OVER.get(definition.name, {}))


def test_every_entity_has_a_factory() -> None:
    """So that none escapes the tests below."""
    assert set(ENTITIES) == set(FACTORIES)


def give(app: Any, role: str, rights: dict[str, Any]) -> None:
    """Make a role's rights just these."""
    from app.engine.adapters.database import db

    policy.replace_role(db.session(), app.appbuilder.sm.find_role(role).id, rights)
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()


def addresses(definition: registry.EntityDefinition, record: Any) -> dict[str, tuple[str, str]]:
    """Each right with a page that needs it."""
    base = f"/{definition.key}"
    return {
        "read": ("GET", f"{base}/{record.id}"),
        "list": ("GET", f"{base}/"),
        "create": ("GET", f"{base}/add"),
        "update": ("GET", f"{base}/{record.id}/edit"),
        "history": ("GET", f"{base}/{record.id}/history"),
        "charts": ("GET", f"{base}/charts"),
        "import": ("GET", f"/import/{definition.key}"),
        "api list": ("GET", f"/api/v1/{definition.key}/"),
        "api get": ("GET", f"/api/v1/{definition.key}/{record.id}"),
        "api delete": ("DELETE", f"/api/v1/{definition.key}/{record.id}"),
    }


def test_nobody_sees_anything(
    definition: registry.EntityDefinition, record: Any, browser: Callable[..., Any]
) -> None:
    for name, (method, address) in addresses(definition, record).items():
        answer = browser(None).open(address, method=method)
        assert answer.status_code in (302, 401), f"{name}: {answer.status_code}"


def test_without_the_right_nothing_opens(
    definition: registry.EntityDefinition, record: Any, browser: Callable[..., Any], app: Any
) -> None:
    give(app, "Guest", {"grants": {}})
    for name, (method, address) in addresses(definition, record).items():
        answer = browser("guest").open(address, method=method)
        assert answer.status_code in (403, 404), f"{name}: {answer.status_code}"


def test_with_the_right_it_opens(
    definition: registry.EntityDefinition, record: Any, browser: Callable[..., Any], app: Any
) -> None:
    give(app, "Guest", {"grants": {"*": dict.fromkeys(policy.ACTIONS, "all")}})
    for name, (method, address) in addresses(definition, record).items():
        answer = browser("guest").open(address, method=method)
        assert answer.status_code == 200, f"{name}: {answer.status_code}"


def test_a_row_out_of_scope_is_as_if_it_were_not_there(
    definition: registry.EntityDefinition, record: Any, browser: Callable[..., Any], app: Any
) -> None:
    give(app, "Guest", {"grants": {"*": dict.fromkeys(policy.ACTIONS, "own")}})
    person = browser("guest")
    title = title_of(definition, definition.title_field.get(record))
    for name, (method, address) in addresses(definition, record).items():
        answer = person.open(address, method=method)
        if name in ("list", "create", "charts", "import", "api list"):
            assert answer.status_code == 200, f"{name}: {answer.status_code}"
            page = answer.get_data(as_text=True)
            # Menus name entities, as the titles of some records do.
            content = page.partition('<main id="main"')[2] if page.startswith("<!doctype") else page
            assert content, name
            assert title not in content, name
        else:
            assert answer.status_code == 404, f"{name}: {answer.status_code}"
    listed = person.get(f"/api/v1/{definition.key}/").get_json()
    assert record.id not in listed["ids"]


def title_of(definition: registry.EntityDefinition, value: Any) -> str:
    """What a record with this title is called."""
    if definition.title_field.target == policy.USERS:
        return people.names_of([value])[value]
    return definition.title_field.text(value)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_speaks_both_languages(
    definition: registry.EntityDefinition, record: Any, client: Any, language: str
) -> None:
    for name, (method, address) in addresses(definition, record).items():
        if method != "GET" or name.startswith("api"):
            continue
        answer = client.get(address, headers={"Accept-Language": language})
        text = answer.get_data(as_text=True)
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text, name
        app = client.application  # in a context of its own: the test's keeps the language it had
        with app.app_context(), app.test_request_context(headers={"Accept-Language": language}):
            assert str(definition.label) in text or str(definition.plural) in text, name


def test_a_record_made_in_a_form_has_a_history(
    definition: registry.EntityDefinition, client: Any
) -> None:
    with policy.acting_as(viewer("admin")):
        values = FACTORIES[definition.name]()
    form: dict[str, Any] = {}
    for name, value in values.items():
        field = definition.fields[name]
        form[name] = field.input_text(value)
    answer = client.post(f"/{definition.key}/add", data=form)
    assert answer.status_code in (302, 303), answer.get_data(as_text=True)[:2000]
    with policy.acting_as(viewer("admin")):
        newest = Records(definition).ids()[-1]
        row = Records(definition).get(newest)
    for name, value in values.items():
        assert row[name] == value, name
    history = client.get(f"/{definition.key}/{newest}/history")
    assert history.status_code == 200
    with force_locale("en"):
        name = definition.title_field.name
        title = title_of(definition, values.get(name, row.get(name)))
    assert title in history.get_data(as_text=True)


def test_a_record_goes_through_the_api_unchanged(
    definition: registry.EntityDefinition, record: Any, client: Any
) -> None:
    answer = client.get(f"/api/v1/{definition.key}/{record.id}").get_json()
    writable = {
        name: answer["result"][name]
        for name, field in definition.fields.items()
        if not field.read_only
    }
    again = client.put(f"/api/v1/{definition.key}/{record.id}", json=writable)
    assert again.status_code == 200, again.get_json()
    after = client.get(f"/api/v1/{definition.key}/{record.id}").get_json()
    assert after["result"] == answer["result"]


def test_export_then_import_changes_nothing(
    definition: registry.EntityDefinition, record: Any, app: Any, tmp_path: Any
) -> None:
    from app.engine.surfaces import exports, imports

    with policy.acting_as(viewer("admin")):
        for suffix in ("csv", "xlsx"):
            path = tmp_path / f"all.{suffix}"
            exports.command(definition.name, suffix, path)
            report = imports.command(definition.name, path, dry_run=True)
            counts = report.as_json()
            assert counts["refused"] == counts["changed"] == 0, (suffix, report.refusals)
            total = Records(definition).exact_count()
            assert counts["total"] == total
            if definition.key_field is not None or definition.options.unique_together:
                assert counts["unchanged"] == total


def test_the_csv_has_every_field_that_one_may_see(
    definition: registry.EntityDefinition, record: Any, app: Any, tmp_path: Any
) -> None:
    from app.engine.surfaces import exports

    with policy.acting_as(viewer("admin")):
        exports.command(definition.name, "csv", tmp_path / "all.csv")
    text = (tmp_path / "all.csv").read_text("utf-8-sig")
    header = next(csv.reader(io.StringIO(text)))
    for field in definition.fields.values():
        if not field.system:
            assert str(field.label) in header, field.name


def test_trash_and_back(definition: registry.EntityDefinition, record: Any, client: Any) -> None:
    assert client.delete(f"/api/v1/{definition.key}/{record.id}").status_code == 200
    assert client.get(f"/{definition.key}/{record.id}").status_code == 404
    assert client.get(f"/{definition.key}/trash").status_code == 200
    with policy.acting_as(viewer("admin")):
        assert Records(definition).in_trash().exact_count() == 1
        with change_set("form") as changes:
            changes.restore(definition, record.id)
    assert client.get(f"/{definition.key}/{record.id}").status_code == 200


def test_every_field_survives_its_own_codecs(
    definition: registry.EntityDefinition, record: Any
) -> None:
    """JSON and a file's cell bring a value back as it was."""
    for name, field in definition.fields.items():
        value = field.get(record)
        if value is None or field.system:
            continue
        assert field.load(field.dump(value)) == value, name
        exact = not isinstance(value, (datetime.datetime, decimal.Decimal))
        if not field.shown_with and exact:
            assert field.parse(field.export(value)) == value, name

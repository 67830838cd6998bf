"""A new entity declared in a few lines has every surface: nothing else is written by hand."""

from __future__ import annotations

import ast
import inspect
import io
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.areas import Area
from app.engine.entity import DECLARED, Entity
from app.engine.query import Records
from tests.engine import toys
from tests.factories import make, viewer


def test_the_declaration_is_short() -> None:
    """The shelf is one class of about fifteen lines."""
    source = inspect.getsource(toys.Shelf)
    assert len(source.splitlines()) <= 15
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    assert not any(isinstance(item, ast.FunctionDef) for item in body.body)


def test_it_belongs_to_an_area_that_is_declared() -> None:
    """The navigation heads it by the area's own name; a mistyped area is noticed at once."""
    with pytest.raises(LookupError, match="toyz"):
        type("Stray", (Entity,), {}, area="toyz")
    with pytest.raises(LookupError):
        type("Homeless", (Entity,), {})
    assert not {"Stray", "Homeless"} & DECLARED.keys()
    with pytest.raises(ValueError, match="toys"):
        Area("toys", "Playthings")


def test_pages_and_forms(client: Any) -> None:
    assert client.get("/shelf/").status_code == 200
    form = client.get("/shelf/add").get_data(as_text=True)
    for name in ("name", "colour", "keeper"):
        assert f'name="{name}"' in form
    answer = client.post("/shelf/add", data={"name": "东墙货架", "colour": "red"})
    assert answer.status_code in (302, 303)
    page = client.get("/shelf/").get_data(as_text=True)
    assert "东墙货架" in page
    assert "Red" in page


def test_filter_sort_and_search(client: Any, app: Any) -> None:
    with policy.acting_as(viewer("admin")):
        make("Shelf", name="东墙货架", colour="red")
        make("Shelf", name="西墙货架", colour="blue")
    for query in ("f=colour:eq:red", "q=东墙", "q=dongqiang", "q=dq"):
        page = client.get(f"/shelf/?{query}").get_data(as_text=True)
        assert "东墙货架" in page, query
        assert "西墙货架" not in page, query
    page = client.get("/shelf/?sort=name").get_data(as_text=True)
    assert page.index("东墙货架") < page.index("西墙货架")
    everywhere = client.get("/search?q=西墙").get_data(as_text=True)
    assert "西墙货架" in everywhere


def test_api_and_its_document(client: Any) -> None:
    made = client.post("/api/v1/shelf/", json={"name": "北墙货架", "colour": "blue"})
    assert made.status_code == 201, made.get_json()
    listed = client.get("/api/v1/shelf/").get_json()
    assert [row["name"] for row in listed["result"]] == ["北墙货架"]
    document = client.get("/api/v1/_openapi").get_json()
    assert "/api/v1/shelf/" in document["paths"]


def test_chart_history_trash_and_picker(client: Any, app: Any) -> None:
    with policy.acting_as(viewer("admin")):
        record = make("Shelf", name="南墙货架")
    assert client.get("/shelf/charts").status_code == 200
    assert "南墙货架" in client.get(f"/shelf/{record.id}/history").get_data(as_text=True)
    picked = client.get("/shelf/pick?q=南墙").get_json()["results"]
    assert [item["text"] for item in picked] == ["南墙货架"]
    client.delete(f"/api/v1/shelf/{record.id}")
    assert "南墙货架" in client.get("/shelf/trash").get_data(as_text=True)


def test_import_and_export(app: Any, tmp_path: Any) -> None:
    from app.engine.surfaces import exports, imports

    path = tmp_path / "shelves.csv"
    path.write_text("Name,颜色,Keeper\n甲货架,红色,\n乙货架,blue,sales\n", "utf-8")
    with policy.acting_as(viewer("admin")):
        report = imports.command("Shelf", path, mapping={"颜色": "colour"}).as_json()
        assert (report["new"], report["refused"]) == (1, 1), report
        path.write_text("Name,Colour,Keeper\n丙货架,red,\n丁货架,Blue,sales\n", "utf-8")
        report = imports.command("Shelf", path).as_json()
        assert (report["new"], report["refused"]) == (2, 0), report
        exports.command("Shelf", "csv", tmp_path / "out.csv")
        text = io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig"))
        assert len(text.readlines()) == 4
        assert Records(registry.current().entity("Shelf")).count() == (3, True)


def test_rights_in_flask_appbuilders_own_roles(app: Any) -> None:
    """The administrator's role has `can_read on Shelf` in Flask-AppBuilder's tables."""
    role = app.appbuilder.sm.find_role("Admin")
    names = {f"{p.permission.name} on {p.view_menu.name}" for p in role.permissions}
    assert {"can_read on Shelf", "can_purge on Shelf"} <= names
    guest = app.appbuilder.sm.find_role("Guest")
    assert not any(p.view_menu.name == "Shelf" for p in guest.permissions)

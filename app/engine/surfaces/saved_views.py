"""Saved views: the list's filters and order kept under a name, opened, changed, shared, deleted."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from app.engine import people, policy, saved_views, views
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.addresses import ListAddress, has_page, list_address, undo_address, with_query
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.labels import Bilingual
from app.engine.registry import EntityDefinition, current
from app.engine.views import View

EVERYONE = "*"


class SavedViewPages(Pages):
    """/<key>/views"""

    @expose("/<key>/views", methods=["GET", "POST"])
    @entity_page("read")
    def views(self, definition: EntityDefinition) -> Any:
        """Those that the viewer may use, and a form that keeps the list as it is now."""
        policy.current_viewer().require(views.NAME, "read")
        if request.args.get("close"):
            return ""
        state = ListAddress.parse(request.values)
        if request.method == "GET":
            return _panel(definition, state, ())
        try:
            return _kept(definition, state)
        except InvalidInput as error:
            return _panel(definition, state, error.problems)

    @expose("/<key>/views/<int:view_id>")
    @entity_page("read")
    def open(self, definition: EntityDefinition, view_id: int) -> Response:
        """The list as the view has it; without it where it names what the viewer may not see."""
        base = list_address(definition)
        view = next((one for one in views.usable(definition) if one.id == view_id), None)
        if view is None or not views.opens(definition, view):
            toast(_unopened(view), "warning")
            return redirect(with_query(base, [("view", views.ALL)]))
        state = views.seen_by(definition, view.state, policy.current_viewer())
        return redirect(state.first_page(view=str(view.id)).href(base))

    @expose("/<key>/views/<int:view_id>/change", methods=["GET", "POST"])
    @entity_page("read")
    def change(self, definition: EntityDefinition, view_id: int) -> Any:
        """Another name, or for others."""
        view = _changeable(definition, view_id)
        problems: tuple[Any, ...] = ()
        if request.method == "POST":
            try:
                return _written(definition, view, _posted(definition, view))
            except InvalidInput as error:
                problems = error.problems
        context = {
            "definition": definition,
            "view": view,
            "here": f"/{definition.key}/views/{view_id}",
            "name": request.form.get("name", view.name),
            "problems": [str(problem.message) for problem in problems],
            **_sharing(definition, view),
        }
        answer = render_template("saved_views/change.html", **context)
        return make_response(answer, 422 if problems else 200)

    @expose("/<key>/views/<int:view_id>/filters", methods=["POST"])
    @entity_page("read")
    def filters(self, definition: EntityDefinition, view_id: int) -> Any:
        """Take over what the list shows now; refused while roles use the view."""
        view = _changeable(definition, view_id)
        address = ListAddress.parse(request.form).first_page(view="").href(list_address(definition))
        return _written(definition, view, {"address": address})

    @expose("/<key>/views/<int:view_id>/default", methods=["POST"])
    @entity_page("read")
    def default(self, definition: EntityDefinition, view_id: int) -> Response:
        """The viewer's list opens with it from now on, or no longer."""
        wanted = request.form.get("default") == "1"
        views.choose_default(definition, view_id if wanted else None)
        toast(
            gettext("The list opens with this view from now on.")
            if wanted
            else gettext("The list opens with all records from now on."),
            "success",
        )
        return redirect(f"/{definition.key}/views/{view_id}", 303)

    @expose("/<key>/views/<int:view_id>/delete", methods=["POST"])
    @entity_page("read")
    def delete(self, definition: EntityDefinition, view_id: int) -> Response:
        """Into the trash, from where it can be taken back."""
        view = views.get(definition, view_id)
        with change_set("form") as changes:
            changes.trash(current().entity(views.NAME), view_id)
        said = gettext("The view “%(name)s” was deleted.", name=view.name)
        toast(said, "success", undo_address(changes.id))
        return redirect(with_query(list_address(definition), [("view", views.ALL)]), 303)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(SavedViewPages)


def _unopened(view: View | None) -> str:
    if view is None:
        return str(gettext("There is no such view any more. These are all records."))
    return str(
        gettext(
            "The view “%(name)s” uses a field that you may not see or that is gone. These are all"
            " records.",
            name=view.name,
        )
    )


def _changeable(definition: EntityDefinition, view_id: int) -> View:
    """Raises NotFound, NotAllowed."""
    found = views.get(definition, view_id)
    if not views.may_change(found):
        raise NotAllowed(_("Only its owner changes this view."))
    return found


# -- writing -----------------------------------------------------------------------------------


def _kept(definition: EntityDefinition, state: ListAddress) -> Response:
    """Raises InvalidInput."""
    viewer = policy.current_viewer()
    values = {
        "name": request.form.get("name", "").strip(),
        "entity": definition.name,
        "address": state.first_page(view="").href(list_address(definition)),
        "owner": viewer.user_id,
        **_shares_posted(definition),
    }
    with change_set("form") as changes:
        made = changes.create(current().entity(views.NAME), values)
    toast(
        gettext("The view “%(name)s” was saved.", name=made.name),
        "success",
        undo_address(changes.id),
    )
    return redirect(f"/{definition.key}/views/{made.id}", 303)


def _posted(definition: EntityDefinition, view: View) -> dict[str, Any]:
    values: dict[str, Any] = {"name": request.form.get("name", "").strip()}
    if saved_views.may_share(policy.current_viewer()):
        kept = _sharing(definition, view)["unlisted"]
        values |= _shares_posted(definition, kept)
    return values


def _written(definition: EntityDefinition, view: View, values: dict[str, Any]) -> Response:
    """Raises InvalidInput, NotAllowed, StaleRecord."""
    version = request.form.get("version", view.version, type=int)
    with change_set("form") as changes:
        changes.update(current().entity(views.NAME), view.id, values, version)
    if changes.id is None:
        toast(gettext("Nothing was changed."), "info")
    else:
        toast(gettext("Saved."), "success", undo_address(changes.id))
    return redirect(f"/{definition.key}/views/{view.id}", 303)


def _shares_posted(definition: EntityDefinition, unlisted: tuple[str, ...] = ()) -> dict[str, Any]:
    """With whom it is shared; roles that the form does not offer stay as they are."""
    given = request.form.getlist("share")
    offered = {value for value, _label in _offered(definition)}
    roles = [value for value in given if value in offered and value != EVERYONE]
    return {"everyone": EVERYONE in given, "roles": [*roles, *unlisted] or None}


# -- what the pages show -----------------------------------------------------------------------


def _panel(definition: EntityDefinition, state: ListAddress, problems: tuple[Any, ...]) -> Response:
    viewer = policy.current_viewer()
    found = views.usable(definition)
    partial = bool(request.headers.get("HX-Request")) and request.method == "GET"
    owners = people.names_of({view.owner_id for view in found if view.owner_id is not None})
    default = views.default_of(definition)
    in_use = policy.views_in_use(db.session())
    context = {
        "definition": definition,
        "base": list_address(definition),
        "partial": partial,
        "state": [pair for pair in state.first_page().pairs() if pair[0] != "view"],
        "present": state.view,
        "views": [_line(definition, view, owners, default, in_use) for view in found],
        "default": default,
        "may_add": viewer.can(views.NAME, "create"),
        "name": request.form.get("name", ""),
        "problems": [str(problem.message) for problem in problems],
        **_sharing(definition, None),
    }
    answer = make_response(
        render_template(
            "saved_views/_panel.html" if partial else "saved_views/page.html", **context
        ),
        422 if problems else 200,
    )
    answer.headers["Vary"] = "HX-Request"
    return answer


def _line(
    definition: EntityDefinition,
    view: View,
    owners: dict[int, str],
    default: int | None,
    in_use: set[int],
) -> dict[str, Any]:
    preview = f"/roles/views/{view.id}"
    with_roles = view.id in in_use and has_page(preview, "POST")
    mine = view.owner_id == policy.current_viewer().user_id
    return {
        "id": view.id,
        "name": view.name,
        "href": f"/{definition.key}/views/{view.id}",
        "filters_href": preview if with_roles else f"/{definition.key}/views/{view.id}/filters",
        "by": "" if mine or view.owner_id is None else owners.get(view.owner_id, ""),
        "shared": mine and (view.everyone or bool(view.roles)),
        "default": view.id == default,
        "opens": views.opens(definition, view),
        "may_change": views.may_change(view),
    }


def _offered(definition: EntityDefinition) -> list[tuple[str, Any]]:
    """With whom a view can be shared: value and words; nobody for who may not share."""
    if not saved_views.may_share(policy.current_viewer()):
        return []
    everyone = _("Everyone who may see %(entities)s", entities=definition.plural)
    roles = policy.roles_with(db.session(), definition.name, "read")
    named = [(str(one.role_id), Bilingual(one.label_zh, one.label_en)) for one in roles]
    return [(EVERYONE, everyone), *named]


def _sharing(definition: EntityDefinition, view: View | None) -> dict[str, Any]:
    """What the form's boxes say, and the roles of the view that it has no box for."""
    offered = _offered(definition)
    present = [str(number) for number in view.roles] if view is not None else []
    ticked = [*present, *([EVERYONE] if view is not None and view.everyone else [])]
    known = {value for value, _label in offered}
    return {
        "shares": offered,
        "ticked": request.form.getlist("share") if request.method == "POST" else ticked,
        "unlisted": tuple(value for value in present if value not in known),
    }

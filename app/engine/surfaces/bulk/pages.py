"""The pages of bulk work: asked for, previewed, agreed to. What goes on is in the forms themselves."""

from __future__ import annotations

from typing import Any

from flask import abort, make_response, redirect, render_template, request
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.web import safe_next, toast
from app.engine.addresses import list_address, undo_address, with_query
from app.engine.bulk import (
    AT_ONCE,
    Act,
    Edit,
    MergeDuplicates,
    Order,
    Selection,
    act_of,
    ask,
    edit_from,
    preview,
    run_now,
    said,
)
from app.engine.bulk.acts import every
from app.engine.bulk.duplicates import merging_from
from app.engine.errors import InvalidInput, NotAllowed, StewardError
from app.engine.registry import EntityDefinition
from app.engine.surfaces.bulk import shown

STEP = "step"
FORM, PREVIEW, RUN = "form", "preview", "run"
_OURS = ("csrf_token", STEP, "since", "expected", "next", "ids", "all", "trash", "f", "q")
"""Inputs that are not part of what is asked for."""


class BulkPages(Pages):
    """/<key>/bulk and what follows from it"""

    @expose("/<key>/bulk", methods=["POST"])
    @entity_page("read")
    def bulk(self, definition: EntityDefinition) -> Response:
        """A button below the list: done at once where the rows were ticked, else asked about first."""
        act = _act(definition, request.form.get("action", ""))
        back = safe_next(list_address(definition))
        try:
            selection = Selection.parse(definition, request.form)
        except InvalidInput as problem:
            toast(problem, "warning")
            return redirect(back, 303)
        if act.asks or selection.whole or len(selection.ids) > AT_ONCE:
            return redirect(_address(act, selection, back), 303)
        return _do(Order(act, selection), back)

    @expose("/<key>/bulk/<name>")
    @entity_page("read")
    def asked(self, definition: EntityDefinition, name: str) -> Response:
        """The form of an act that needs more to be said; of any other the preview."""
        act = _act(definition, name)
        selection = Selection.parse(definition, request.args)
        back = safe_next(list_address(definition))
        return _form(act, selection, back) if act.asks else _preview(act, selection, back)

    @expose("/<key>/bulk/<name>", methods=["POST"])
    @entity_page("read")
    def agreed(self, definition: EntityDefinition, name: str) -> Response:
        """What was filled in, shown as it would turn out; or agreed to, and done."""
        act = _act(definition, name)
        selection = Selection.parse(definition, request.form)
        back = safe_next(list_address(definition))
        if request.form.get(STEP) == FORM:
            return _form(act, selection, back, request.form)
        try:
            values = _values(act, request.form)
            act = _act(definition, name, values)
            if request.form.get(STEP) != RUN:
                return _preview(act, selection, back)
        except InvalidInput as error:
            if not act.asks:
                raise
            return _form(act, selection, back, request.form, error.problems, error.status)
        return _run(act, selection, back)


def _act(definition: EntityDefinition, name: str, values: dict[str, Any] | None = None) -> Act:
    """Raises NotAllowed; a name that there is not is a mistake of whoever may do something here."""
    acts = every(definition)
    if name not in acts:
        viewer = policy.current_viewer()
        if not any(act.offered(viewer) for act in acts.values()):
            raise NotAllowed
        abort(400)
    return act_of(definition, name, values)


def _address(act: Act, selection: Selection, back: str) -> str:
    """Where more is asked, or the preview is shown."""
    base = list_address(act.definition)
    where = f"{base}merge" if act.name == "merge" else f"{base}bulk/{act.name}"
    return with_query(where, [*selection.pairs(), ("next", back)])


def _values(act: Act, sent: MultiDict[str, str]) -> dict[str, Any]:
    if isinstance(act, Edit):
        return edit_from(act, sent)
    if isinstance(act, MergeDuplicates):
        return merging_from(act.definition, sent)
    return {}


# -- answers ---------------------------------------------------------------------------------


def _form(
    act: Act,
    selection: Selection,
    back: str,
    sent: MultiDict[str, str] | None = None,
    problems: Any = (),
    status: int = 200,
) -> Response:
    context = shown.frame(act, selection, back) | shown.form(act, sent, problems)
    return make_response(render_template("bulk/form.html", **context), status)


def _preview(act: Act, selection: Selection, back: str) -> Response:
    found = preview(act, selection)
    given = [pair for pair in request.form.items(multi=True) if pair[0] not in _OURS]
    context = shown.frame(act, selection, back, found.count) | shown.previewed(act, found)
    return make_response(render_template("bulk/preview.html", **context, given=given))


def _run(act: Act, selection: Selection, back: str) -> Response:
    order = Order(
        act,
        selection,
        request.form.get("since", type=int),
        request.form.get("expected", type=int),
    )
    if selection.count() <= AT_ONCE:
        return _do(order, back)
    what = _("%(what)s: %(entities)s", what=act.title(), entities=act.definition.plural)
    return redirect(f"/jobs/{ask(order, what).id}", 303)


def _do(order: Order, back: str) -> Response:
    """At once; a toast says what came of it, with the way back."""
    try:
        tally, change_set_id = run_now(order)
    except StewardError as problem:
        toast(_("Nothing was changed: %(reason)s", reason=str(problem)), "danger")
        return redirect(back, 303)
    plain = tally.changed == tally.total
    words = shown.done(order.act, tally.changed) if plain else said(tally)
    kind = ("success" if plain else "warning") if tally.changed else "info"
    toast(words, kind, undo_address(change_set_id))
    if order.act.definition.options.shapes_registry:
        registry.refresh()
    return redirect(back, 303)

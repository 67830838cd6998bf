"""The pages of import profiles: used on a file, kept from one, and the list of them."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db, write_transaction
from app.engine.adapters.web import toast
from app.engine.errors import StewardError
from app.engine.messages import freeze
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports import offered, profiles
from app.engine.surfaces.imports import profile_keeping as keeping
from app.engine.surfaces.imports.columns import check_mapping
from app.engine.surfaces.imports.deciding import decided
from app.engine.surfaces.imports.models import CHECKED, EVERYONE, UPLOADED, ImportProfile, ImportRun
from app.engine.surfaces.imports.pages import address, found, page_of, require
from app.engine.surfaces.imports.words import MODE_WORDS


class ImportProfilePages(Pages):
    """/import/<key>/profiles, and /import/<key>/<id>/profile for one import."""

    @expose("/import/<key>/profiles")
    @entity_page("import")
    def profiles(self, definition: EntityDefinition) -> Any:
        """Those that the viewer may use; their own can be changed."""
        return _listed(definition, None)

    @expose("/import/<key>/profiles/<int:profile_id>", methods=["POST"])
    @entity_page("import")
    def change(self, definition: EntityDefinition, profile_id: int) -> Any:
        """Another name, or for others."""
        name, shared = request.form.get("name", ""), request.form.getlist("share")
        try:
            profile = keeping.change(definition, profile_id, name, shared)
        except StewardError as error:
            return _listed(definition, error.message), error.status
        toast(gettext("The profile “%(name)s” was saved.", name=profile.name), "success")
        return redirect(f"/import/{definition.key}/profiles", 303)

    @expose("/import/<key>/profiles/<int:profile_id>/remove", methods=["POST"])
    @entity_page("import")
    def remove(self, definition: EntityDefinition, profile_id: int) -> Any:
        """Forget a profile."""
        name = keeping.remove(definition, profile_id)
        toast(gettext("The profile “%(name)s” was deleted.", name=name), "info")
        return redirect(f"/import/{definition.key}/profiles", 303)

    @expose("/import/<key>/<int:run_id>/profile", methods=["POST"])
    @entity_page("import")
    def use(self, definition: EntityDefinition, run_id: int) -> Any:
        """Take a profile for this file: its columns, and what was decided with them."""
        run, _job = found(definition, run_id)
        require(run, UPLOADED)
        profile = profiles.get(definition, request.form.get("profile", 0, type=int))
        options, warnings = profiles.applied(definition, profile, run.columns or [], run.decided)
        with write_transaction() as session:
            fresh = session.get_one(ImportRun, run.id, populate_existing=True)
            require(fresh, UPLOADED)
            fresh.options = options.as_json()
            fresh.plan = {**(fresh.plan or {}), "unfit": [freeze(words) for words in warnings]}
        return redirect(address(definition, run_id), 303)

    @expose("/import/<key>/<int:run_id>/profile/keep", methods=["POST"])
    @entity_page("import")
    def keep(self, definition: EntityDefinition, run_id: int) -> Any:
        """Keep what was decided about this file, for the next ones like it."""
        run, job = found(definition, run_id)
        options = decided(run, request.form)
        try:
            check_mapping(definition, run.columns or [], options.mapping)
            profile = keeping.save(
                definition,
                request.form.get("profile_name", ""),
                run.columns or [],
                options,
                request.form.getlist("share"),
                replacing=request.form.get("replace") == "1",
            )
        except StewardError as error:
            run, job = found(definition, run_id)  # anew: a transaction was rolled back
            run.options = options.as_json()
            db.session.expunge(run)
            return page_of(definition, run, job, error.message)
        _note(run, {**options.as_json(), "profile": profile.id})
        toast(gettext("The profile “%(name)s” was saved.", name=profile.name), "success")
        return redirect(address(definition, run_id), 303)


def _note(run: ImportRun, options: dict[str, Any]) -> None:
    """What the form said stays said, while the import has not begun."""
    with write_transaction() as session:
        fresh = session.get_one(ImportRun, run.id, populate_existing=True)
        if fresh.state == UPLOADED:
            fresh.options = options
        elif fresh.state == CHECKED:
            fresh.options = {**fresh.options, "profile": options["profile"]}


def _listed(definition: EntityDefinition, problem: Any) -> Response | str:
    there = profiles.usable(definition)
    names = {number: str(name) for number, name in offered.roles(definition)}
    return render_template(
        "imports/profiles.html",
        definition=definition,
        problem=problem,
        profiles=[_shown(definition, profile, names) for profile in there],
        shares=offered.shares(definition),
    )


def _shown(
    definition: EntityDefinition, profile: ImportProfile, roles: dict[int, str]
) -> dict[str, Any]:
    fields = definition.fields
    filled = profile.options.get("mapping", {}).values()
    shared = [roles[role] for role in profile.shared if role in roles]
    return {
        "profile": profile,
        "fields": [str(fields[name].label) for name in filled if name in fields],
        "mode": MODE_WORDS.get(profile.options.get("mode", ""), ""),
        "shared": gettext("Everyone") if EVERYONE in profile.shared else ", ".join(shared),
        "shares": [str(item) for item in profile.shared],
        "may_change": profiles.may_change(profile),
    }

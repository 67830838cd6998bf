"""Changing a role: its form, then who would gain and lose what, then the change as a whole."""

from __future__ import annotations

from typing import Any

import orjson
from flask import make_response, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import policy, roles
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.errors import InvalidInput, NotFound, Problem
from app.engine.roles import Proposal, RoleBook, RolePicture
from app.engine.roles.book import BROKEN
from app.engine.roles.changing import NEW
from app.engine.surfaces.roles import form as forms
from app.engine.surfaces.roles import shown

LIST = "/roles/list/"
LONGEST_PROPOSAL = 1_000_000
NOTHING = RolePicture({"label_zh": "", "label_en": "", "purpose_zh": "", "purpose_en": ""})
MOST_PEOPLE = 50


class RoleChangePages(Pages):
    """/roles/… where something is changed"""

    @expose("/roles/add", methods=["GET", "POST"])
    @page(policy.USERS, "create")
    def add(self) -> Any:
        """A new role, empty or as a copy of another."""
        book = roles.load_book(db.session())
        copied = request.args.get("copy", type=int)
        start = NOTHING
        if copied is not None:
            start = _known(book, copied)
            if request.method == "GET":
                start = _called_copy(start)
        return _about(book, NEW, start)

    @expose("/roles/<int:role_id>/about", methods=["GET", "POST"])
    @page(policy.USERS, "update")
    def about(self, role_id: int) -> Any:
        """What it is called, what it is for, and which roles it includes."""
        book = roles.load_book(db.session())
        return _about(book, role_id, _known(book, role_id))

    @expose("/roles/<int:role_id>/edit", methods=["GET", "POST"])
    @page(policy.USERS, "update")
    def edit(self, role_id: int) -> Any:
        """Its lines on the entities that were chosen."""
        book, names = roles.load_book(db.session()), forms.chosen()
        picture = _known(book, role_id)
        if request.method == "GET":
            return _lines(book, role_id, picture, names, picture.mark, [])
        proposed = forms.lines_posted(picture, names)
        base = request.form.get("base", "")
        problems = _problems(book, role_id, proposed)
        if problems:
            return _lines(book, role_id, proposed, names, base, problems)
        return _previewed(book, Proposal(role_id, proposed, base))

    @expose("/roles/<int:role_id>/reset", methods=["POST"])
    @page(policy.USERS, "update")
    def reset(self, role_id: int) -> Any:
        """Back to what Steward brings along."""
        book = roles.load_book(db.session())
        picture = _known(book, role_id)
        profile = db.session.get(policy.RoleProfile, role_id)
        if profile is None or profile.built_in is None:
            raise InvalidInput.of(None, gettext("This role does not come with Steward."))
        proposed = RolePicture.of_json(profile.built_in)
        return _previewed(book, Proposal(role_id, proposed, picture.mark))

    @expose("/roles/<int:role_id>/gained", methods=["POST"])
    @page(policy.USERS, "update")
    def gained(self, role_id: int) -> Any:
        """With what the shipped role has gained since, as a change like any other."""
        book = roles.load_book(db.session())
        picture = _known(book, role_id)
        proposed = roles.with_gained(db.session(), role_id, picture)
        return _previewed(book, Proposal(role_id, proposed, picture.mark))

    @expose("/roles/changes/<int:change_id>/undo", methods=["POST"])
    @page(policy.USERS, "update")
    def undo(self, change_id: int) -> Any:
        """What taking a change back would do."""
        proposal = roles.propose_undo(change_id)
        if proposal.picture is None:
            policy.current_viewer().require(policy.USERS, "delete")
            return _saved(proposal)
        return _previewed(roles.load_book(db.session()), proposal)

    @expose("/roles/<int:role_id>/delete", methods=["POST"])
    @page(policy.USERS, "delete")
    def delete(self, role_id: int) -> Any:
        """Take away a role that nobody has and none includes."""
        picture = _known(roles.load_book(db.session()), role_id)
        return _saved(Proposal(role_id, None, picture.mark))

    @expose("/roles/save", methods=["POST"])
    @page(policy.USERS, "read")
    def save(self) -> Any:
        """What was previewed, made so."""
        role_id = request.form.get("role_id", NEW, type=int)
        policy.current_viewer().require(policy.USERS, "update" if role_id else "create")
        undoes = request.form.get("undoes", type=int)
        return _saved(Proposal(role_id, _sent(), request.form.get("base", ""), undoes))


def _known(book: RoleBook, role_id: int) -> RolePicture:
    found = book.roles.get(role_id)
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


def _called_copy(picture: RolePicture) -> RolePicture:
    data = picture.as_json()
    data["label_zh"] = f"{data['label_zh']} 副本"[:64]
    data["label_en"] = f"{data['label_en']} (copy)"[:64]
    return RolePicture.of_json(data)


def _problems(book: RoleBook, role_id: int, proposed: RolePicture) -> list[Problem]:
    """What is wrong with it; what was tried is noted, though it is only a preview."""
    after, viewer = book.having(role_id, proposed), policy.current_viewer()
    problems = roles.problems_of(db.session(), book, after, role_id, viewer)
    if problems:
        roles.note_refused(role_id, problems)
    return problems


def _about(book: RoleBook, role_id: int, picture: RolePicture) -> Any:
    form = forms.about_form(book, picture, role_id)
    if request.method == "POST":
        proposed = forms.about_posted(picture)
        problems = _problems(book, role_id, proposed)
        if not problems:
            base = request.form.get("base", "")
            return _previewed(book, Proposal(role_id, proposed, base))
        _put(form, problems)
    context = {
        "form": form,
        "role_id": role_id,
        "label": picture.label,
        "base": request.form.get("base", picture.mark if role_id else ""),
    }
    return make_response(
        render_template("roles/about.html", **context), 422 if request.method == "POST" else 200
    )


def _put(form: Any, problems: list[Problem]) -> None:
    """Each problem beside its field, the others above all."""
    for problem in problems:
        if problem.field in form:
            form[problem.field].errors = [*form[problem.field].errors, str(problem.message)]
        else:
            form.form_errors.append(str(problem.message))


def _lines(
    book: RoleBook,
    role_id: int,
    picture: RolePicture,
    names: list[str],
    base: str,
    problems: list[Problem],
) -> Any:
    answer = render_template(
        "roles/edit.html",
        role_id=role_id,
        label=book.roles[role_id].label,
        names=names,
        blocks=forms.blocks(picture, names),
        accesses=forms.accesses(),
        base=base,
        problems=[str(problem.message) for problem in problems],
    )
    return make_response(answer, 422 if problems else 200)


def _previewed(book: RoleBook, proposal: Proposal) -> Any:
    """Who gains and loses what, with a button that makes it so. Raises InvalidInput."""
    picture = proposal.picture
    assert picture is not None
    problems = _problems(book, proposal.role_id, picture)
    if problems:
        raise InvalidInput(problems)
    after = book.having(proposal.role_id, picture)
    found = roles.preview(db.session(), book, after, proposal.role_id)
    sent = {
        "role_id": proposal.role_id,
        "base": proposal.base,
        "proposal": orjson.dumps(picture.as_json()).decode(),
    }
    if proposal.undoes_id:
        sent["undoes"] = proposal.undoes_id
    back = f"/roles/{proposal.role_id}" if proposal.role_id else LIST
    return render_template(
        "roles/preview.html",
        label=picture.label,
        trail=[(gettext("Roles"), LIST), (picture.label, back), (gettext("Preview"), None)],
        action="/roles/save",
        sent=sent,
        kept=proposal.kept,
        lines=shown.picture_lines(book.roles.get(proposal.role_id), picture, after),
        back=back,
        **people_changed(book, found),
    )


def people_changed(book: RoleBook, found: roles.Preview) -> dict[str, Any]:
    """Who gains and loses what, as the preview shows it."""
    return {
        "groups": _groups(book, found),
        "people": found.people,
        "counted": found.counted,
    }


def _groups(book: RoleBook, found: roles.Preview) -> list[dict[str, Any]]:
    return [
        {
            "roles": [book.roles[i].label for i in group.role_ids if i in book.roles],
            "lines": shown.difference_lines(group.difference),
            "people": [
                {"name": one.holder.name, "records": shown.record_lines(one.records)}
                for one in group.people[:MOST_PEOPLE]
            ],
            "more": max(0, len(group.people) - MOST_PEOPLE),
            "count": len(group.people),
        }
        for group in found.groups
    ]


def _sent() -> RolePicture:
    """The role that the preview showed. Raises InvalidInput."""
    text = request.form.get("proposal", "")
    if len(text) > LONGEST_PROPOSAL:
        raise InvalidInput.of(None, BROKEN)
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput.of(None, BROKEN) from error
    return RolePicture.of_json(data)


def _saved(proposal: Proposal) -> Any:
    change = roles.save(proposal)
    if change is None:
        toast(gettext("Nothing was changed."), "info")
        return redirect(f"/roles/{proposal.role_id}" if proposal.role_id else LIST, 303)
    toast(
        gettext("The role was deleted.") if change.after is None else gettext("Saved."),
        "success",
        f"/roles/changes/{change.id}/undo",
    )
    return redirect(LIST if change.after is None else f"/roles/{change.role_id}", 303)

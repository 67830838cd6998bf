"""Pages of users, for those who manage them: list, add, edit, a new password."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext
from flask_wtf import FlaskForm
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from app.engine.adapters import web
from app.engine.adapters.appbuilder import (
    accounts,
    attempts,
    password_links,
    passwords,
    session_pages,
)
from app.engine.adapters.appbuilder.account_words import told
from app.engine.adapters.appbuilder.forms import GivenPasswordForm, NewUserForm, UserForm
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.roles import role_labels
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.addresses import has_page
from app.engine.errors import InvalidInput
from app.engine.policy import USERS, current_viewer

PAGE = 50
HISTORY = 20


def needs(action: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Only for viewers who may do this with users."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            current_viewer().require(USERS, action)
            return view(*args, **kwargs)

        return guarded

    return decorate


def put_problems(form: FlaskForm, error: InvalidInput) -> None:
    """Show what was refused beside its field, or at the top."""
    for problem in error.problems:
        if problem.field is not None and problem.field in form:
            field = form[problem.field]
            field.errors = [*field.errors, str(problem.message)]
        else:
            form.form_errors.append(str(problem.message))


class UsersView(BaseView):
    """/users/…"""

    route_base = "/users"
    default_view = "list"

    @expose("/list/")
    @needs("read")
    def list(self) -> str:
        """People by user name, a bounded page at a time."""
        words = request.args.get("q", "").strip()[:100]
        after = request.args.get("after", "")[:128]
        before = request.args.get("before", "")[:128]
        rows, has_more = _page(_matching(words), after, before)
        earlier = bool(after) if not before else has_more
        later = bool(before) or has_more
        return render_template(
            "security/users.html",
            users=rows,
            words=words,
            labels=role_labels(),
            previous=_link(words, before=rows[0].username) if earlier and rows else None,
            next=_link(words, after=rows[-1].username) if later and rows else None,
            may_add=current_viewer().can(USERS, "create"),
            may_update=current_viewer().can(USERS, "update"),
        )

    @expose("/add", methods=["GET", "POST"])
    @needs("create")
    def add(self) -> Response | str:
        """A new account; its first password is shown once."""
        form = NewUserForm()
        form.roles.choices = _choices()
        if not form.validate_on_submit():
            return _page_of(form, None)
        password = form.password.data or passwords.generate()
        try:
            user = accounts.save_user(None, _values(form), form.roles.data, password)
        except InvalidInput as error:
            put_problems(form, error)
            return _page_of(form, None)
        return _once(user, password, bool(form.password.data))

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @needs("update")
    def edit(self, pk: int) -> Response | str:
        """Names, address, roles, and whether they may sign in."""
        user = accounts.user_by_id(pk)
        form = UserForm(obj=None if request.method == "POST" else user)
        form.roles.choices = _choices()
        if request.method == "GET":
            form.roles.data = [role.id for role in user.roles]
        if not form.validate_on_submit():
            return _page_of(form, user)
        try:
            accounts.save_user(pk, _values(form), form.roles.data)
        except InvalidInput as error:
            db.session.rollback()
            put_problems(form, error)
            return _page_of(form, accounts.user_by_id(pk))
        web.toast(gettext("Saved."))
        return redirect(url_for("UsersView.list"))

    @expose("/show/<int:pk>")
    @needs("read")
    def show(self, pk: int) -> Response:
        """Flask-AppBuilder's address; the page is that of editing."""
        return redirect(url_for("UsersView.edit", pk=pk))


class PasswordView(BaseView):
    """/resetpassword/form?pk=…: give somebody a new password."""

    route_base = "/resetpassword"
    default_view = "form"

    @expose("/form", methods=["GET", "POST"])
    @needs("update")
    def form(self) -> Response | str:
        """It is shown once, and has to be changed at the next sign-in."""
        user = accounts.user_by_id(request.args.get("pk", 0, type=int))
        form = GivenPasswordForm()
        if form.validate_on_submit():
            password = form.password.data or passwords.generate()
            try:
                accounts.set_password(user.id, password, must_change=True)
                return _once(user, password, bool(form.password.data))
            except InvalidInput as error:
                put_problems(form, error)
        status = 422 if form.errors else 200
        page = render_template("security/give_password.html", form=form, user=user)
        return make_response(page, status)


def _matching(words: str) -> Select[tuple[StewardUser]]:
    statement = select(StewardUser).options(selectinload(StewardUser.roles))
    for word in words.lower().split():
        sought = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        both = func.lower(StewardUser.last_name + StewardUser.first_name)
        places = (func.lower(StewardUser.username), func.lower(StewardUser.email), both,
                  func.lower(StewardUser.first_name))  # fmt: skip
        statement = statement.where(or_(*(p.like(f"%{sought}%", escape="\\") for p in places)))
    return statement


def _page(
    statement: Select[tuple[StewardUser]], after: str, before: str
) -> tuple[list[StewardUser], bool]:
    """One page from a position, and whether there are more in that direction."""
    if before:
        statement = statement.where(StewardUser.username < before)
        statement = statement.order_by(StewardUser.username.desc())
    else:
        statement = statement.where(StewardUser.username > after) if after else statement
        statement = statement.order_by(StewardUser.username)
    rows = list(db.session.scalars(statement.limit(PAGE + 1)))
    page = rows[:PAGE]
    return (page[::-1] if before else page), len(rows) > PAGE


def _link(words: str, **position: str) -> str:
    query: dict[str, Any] = {"q": words or None, **position}
    return url_for("UsersView.list", **query)


def _choices() -> list[tuple[int, str]]:
    labels = role_labels()
    return [(role.id, str(labels[role.id].name)) for role in accounts.all_roles()]


def _values(form: UserForm) -> dict[str, Any]:
    names = ("username", "first_name", "last_name", "email", "active")
    values = {name: form[name].data for name in names}
    values["last_name"] = values["last_name"] or ""
    return values


def _page_of(form: UserForm, user: StewardUser | None) -> Response:
    status = 422 if form.errors else 200
    history = _history(user) if user is not None else {}
    address = f"/users/{user.id}/access" if user is not None else ""
    access = address if address and has_page(address) else None
    held = _access(user) if user is not None else {}
    page = render_template(
        "security/user.html", form=form, user=user, access=access, **history, **held
    )
    return make_response(page, status)


def _access(user: StewardUser) -> dict[str, Any]:
    """Where they are signed in, and whether failed attempts have closed the account for a while."""
    within_reach = Guard(db.session(), user).within_reach()
    return {
        "within_reach": within_reach,
        "gives_links": within_reach or password_links.available(),
        "sessions": session_pages.shown(user.id),
        "held_until": attempts.held_until((user.username, user.email)),
    }


def _history(user: StewardUser) -> dict[str, Any]:
    """A page of what was changed about an account, and the address of what was before that."""
    before = request.args.get("before", type=int)
    found = accounts.changes_of(user.id, HISTORY + 1, before)
    changes = found[:HISTORY]
    here = partial(url_for, "UsersView.edit", pk=user.id, _anchor="history")
    return {
        "changes": told(changes),
        "newer": here() if before else None,
        "older": here(before=changes[-1].id) if len(found) > HISTORY else None,
    }


def _once(user: StewardUser, password: str, typed: bool) -> Response:
    """The page that shows a password for the first and last time; no cache keeps it."""
    page = render_template(
        "security/password_once.html", user=user, password=None if typed else password
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response

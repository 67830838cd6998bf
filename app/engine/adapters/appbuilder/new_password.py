"""Pages for who has forgotten the password: asking for a link, and choosing a new password by one."""

from __future__ import annotations

import logging

from flask import make_response, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import no_cache
from flask_babel import gettext
from sqlalchemy import update
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters import web
from app.engine.adapters.appbuilder import accounts, attempts, credentials, password_links
from app.engine.adapters.appbuilder.forms import ForgottenForm, NewPasswordForm
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.password_links import LinkNotGood, PasswordLink
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.appbuilder.users import needs, put_problems
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound
from app.engine.policy import acting_as, viewer_by_id

log = logging.getLogger(__name__)


class ForgottenPasswordView(BaseView):
    """/forgottenpassword/: a link by mail, where mail is set up."""

    route_base = "/forgottenpassword"
    default_view = "form"

    @expose("/", methods=["GET", "POST"])
    @no_cache
    def form(self) -> Response:
        """Ask for a link. The answer is the same whether there is such an account or not."""
        if not password_links.available():
            raise NotFound
        form, asked = ForgottenForm(), False
        if form.validate_on_submit():
            try:
                _ask(form.username.data)
                asked = True
            except attempts.TooManyAttempts as error:
                form.form_errors.append(str(error))
                page = self._page(form, asked)
                return make_response(page, error.status)
        status = 422 if form.errors else 200
        page = self._page(form, asked)
        return make_response(page, status)

    def _page(self, form: ForgottenForm, asked: bool) -> str:
        sign_in = self.appbuilder.get_url_for_login
        return render_template("security/forgotten.html", form=form, asked=asked, sign_in=sign_in)


class NewPasswordView(BaseView):
    """/newpassword/…: choose a password by a link that is good once."""

    route_base = password_links.PATH
    default_view = "form"

    @expose("/<secret>", methods=["GET", "POST"])
    @no_cache
    def form(self, secret: str) -> Response:
        """Opening the link does not use it up: programs that look through mails open links too."""
        try:
            link, person = password_links.open_link(secret)
            form = NewPasswordForm()
            if form.validate_on_submit():
                try:
                    _use(link, form.password.data)
                except InvalidInput as error:
                    put_problems(form, error)
                else:
                    web.toast(gettext("Your password is changed. Sign in with it."))
                    return redirect(self.appbuilder.get_url_for_login)
        except LinkNotGood as error:
            return self._not_good(error)
        status = 422 if form.errors else 200
        page = render_template("security/new_password.html", form=form, person=person)
        return make_response(page, status)

    def _not_good(self, error: LinkNotGood) -> Response:
        mailed = password_links.available()
        page = render_template(
            "security/link_not_good.html",
            message=str(error),
            ask=url_for("ForgottenPasswordView.form") if mailed else None,
            sign_in=self.appbuilder.get_url_for_login,
        )
        return make_response(page, error.status)


class GivenLinkView(BaseView):
    """/passwordlink/…: an administrator makes a link to hand over."""

    route_base = "/passwordlink"
    default_view = "make"

    @expose("/<int:pk>", methods=["POST"])
    @needs("update")
    def make(self, pk: int) -> Response:
        """The link, shown this once; no cache keeps it.

        Of an account that may do more it is mailed to its person, and shown to nobody.
        """
        user = accounts.user_by_id(pk)
        guard = Guard(db.session(), user)
        guard.require()
        if not guard.within_reach() and user.active and password_links.available():
            password_links.ask(user)
            web.toast(gettext("The link is being mailed to %(name)s.", name=user.full_name))
            return redirect(url_for("UsersView.edit", pk=pk))
        link = password_links.give(pk)
        page = render_template("security/link_once.html", user=user, link=link)
        response = make_response(page)
        response.headers["Cache-Control"] = "no-store"
        return response


def _ask(name: str) -> None:
    """Once for a name now and then; more often the answer stays the same and no mail is sent."""
    attempts.count({"link-address": attempts.key("link-address", request.remote_addr or "")})
    person = credentials.person_named(name)
    known = str(person.id) if person is not None else f"?{name.strip().lower()}"
    try:
        attempts.count({"link-account": attempts.key("link-account", known)})
    except attempts.TooManyAttempts:
        log.info("no further link for a new password is mailed for now")
    else:
        password_links.ask(person)


def _use(link: PasswordLink, password: str) -> StewardUser:
    """Give its person the new password, and end the link, both or none.

    Raises InvalidInput, and LinkNotGood when somebody else was faster.
    """
    with acting_as(viewer_by_id(link.user_id)), write_transaction() as session:
        taken = session.execute(
            update(PasswordLink)
            .where(PasswordLink.id == link.id, PasswordLink.used_at.is_(None))
            .values(used_at=now())
        )
        if not taken.rowcount:  # type: ignore[attr-defined]
            password_links.note_refused(link)
            raise LinkNotGood
        user = accounts.set_password(link.user_id, password)
        audit.record("password_link.used", person_id=user.id, who=user.username)
    attempts.unlock(user)
    attempts.know_device(user.id)
    return user

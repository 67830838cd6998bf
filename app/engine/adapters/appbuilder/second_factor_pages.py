"""Pages of the second factor: one's own to set up, renew and turn off; another's to reset; roles' to require."""

from __future__ import annotations

from typing import Any

import segno
from flask import make_response, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from app.engine.adapters import web
from app.engine.adapters.appbuilder import (
    accounts,
    credentials,
    second_factor,
    second_factor_roles,
)
from app.engine.adapters.appbuilder.beginning import begin_session, note_passed
from app.engine.adapters.appbuilder.forms import MISSING, CheckList, Form
from app.engine.adapters.appbuilder.roles import role_labels
from app.engine.adapters.appbuilder.second_factor import TooManyCodes
from app.engine.adapters.appbuilder.second_step import code_field
from app.engine.adapters.appbuilder.users import needs
from app.engine.errors import InvalidInput, NotAllowed

WRONG = _("The code is wrong, or was used before.")


class BeginForm(Form):
    """The password again, so that nobody ties their own device to a session left open."""

    password = PasswordField(
        _("Your password"),
        [InputRequired(MISSING), Length(max=1000, message=_("This is too long."))],
        render_kw={"autocomplete": "current-password", "autofocus": True},
    )


class AppCodeForm(Form):
    """The code that the app shows now."""

    code = code_field(_("Code from the app"))


class OffForm(Form):
    """The code of the app, or one for recovery."""

    code = code_field(_("Code from the app, or a recovery code"))


class RolesForm(Form):
    """The roles that take a second factor."""

    roles = CheckList(_("Roles"), coerce=int)


class SecondFactorView(BaseView):
    """/secondfactor/…"""

    route_base = "/secondfactor"
    default_view = "show"

    @expose("/")
    def show(self) -> str:
        """How it stands."""
        me = _me()
        return render_template(
            "security/second_factor.html",
            since=me.second_factor_since,
            left=second_factor.codes_left(me.id),
            required=second_factor_roles.is_missing(me),
        )

    @expose("/begin", methods=["GET", "POST"])
    def begin(self) -> Response:
        """Ask for the password, then draw the secret."""
        me, form = _me(), BeginForm()
        asked = credentials.has_password(me)
        if not asked:
            del form.password  # signs in by another site: there is none to ask for
        if form.validate_on_submit() and (not asked or credentials.confirmed(me, form.password)):
            return self._drawn(me)
        return _page("security/second_factor_begin.html", form)

    def _drawn(self, me: Any) -> Response:
        try:
            second_factor.begin(me.id)
        except InvalidInput as error:
            web.toast(error, "warning")
            return redirect(url_for("SecondFactorView.show"))
        return redirect(url_for("SecondFactorView.confirm"))

    @expose("/confirm", methods=["GET", "POST"])
    def confirm(self) -> Response:
        """Show the QR code; the first code from the app puts it in force."""
        me, form = _me(), AppCodeForm()
        secret = second_factor.begun(me.id)
        if secret is None:
            return redirect(url_for("SecondFactorView.show"))
        if form.validate_on_submit():
            codes = _tried(form, lambda code: second_factor.turn_on(me.id, code))
            if codes:
                changed = accounts.user_by_id(me.id)
                begin_session(changed)
                note_passed(changed)
                return _codes_once(codes)
        address = second_factor.address_for_app(secret, me.username)
        groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
        return _page(
            "security/second_factor_confirm.html",
            form,
            picture=_qr(address),
            secret=" ".join(groups),
        )

    @expose("/codes", methods=["GET", "POST"])
    def codes(self) -> Response:
        """New recovery codes in place of the old."""
        me, form = _on(), AppCodeForm()
        if form.validate_on_submit():
            codes = _tried(form, lambda code: second_factor.new_recovery_codes(me.id, code))
            if codes:
                return _codes_once(codes)
        return _page("security/second_factor_codes.html", form)

    @expose("/off", methods=["GET", "POST"])
    def off(self) -> Response:
        """Turn it off, against a code."""
        me, form = _on(), OffForm()
        if form.validate_on_submit() and _tried(
            form, lambda code: second_factor.turn_off(me.id, code)
        ):
            begin_session(accounts.user_by_id(me.id))
            web.toast(gettext("The second factor is off."))
            return redirect(url_for("SecondFactorView.show"))
        return _page("security/second_factor_off.html", form)


class SecondFactorsView(BaseView):
    """/secondfactors/…: for those who manage users"""

    route_base = "/secondfactors"
    default_view = "roles"

    @expose("/roles", methods=["GET", "POST"])
    @needs("update")
    def roles(self) -> Response:
        """Which roles take one."""
        form, labels = RolesForm(), role_labels()
        form.roles.choices = [(pk, str(label.name)) for pk, label in sorted(labels.items())]
        if request.method == "GET":
            form.roles.data = sorted(second_factor_roles.roles_with())
        if form.validate_on_submit():
            second_factor_roles.set_roles(form.roles.data or [])
            web.toast(gettext("Saved."))
            return redirect(url_for("SecondFactorsView.roles"))
        return _page("security/second_factor_roles.html", form)

    @expose("/reset/<int:pk>", methods=["POST"])
    @needs("update")
    def reset(self, pk: int) -> Response:
        """Take somebody's away, whose device is lost."""
        second_factor.reset(accounts.user_by_id(pk).id)
        web.toast(gettext("The second factor is off."))
        return redirect(url_for("UsersView.edit", pk=pk))


def _me() -> Any:
    """The person signed in. Raises NotAllowed, which leads visitors to signing in."""
    if not current_user.is_authenticated:
        raise NotAllowed
    return current_user._get_current_object()


def _on() -> Any:
    """The same, with a second factor. Raises InvalidInput."""
    me = _me()
    if me.second_factor_since is None:
        raise InvalidInput.of(None, _("The second factor is off."))
    return me


def _tried(form: Form, act: Any) -> Any:
    """What the act gives for the code; a wrong one is told beside it."""
    try:
        done = act(form["code"].data)
    except TooManyCodes as error:
        form["code"].errors = [str(error)]
        return None
    if not done:
        form["code"].errors = [str(WRONG)]
    return done


def _page(template: str, form: Form, **more: Any) -> Response:
    """No cache keeps a page of the second factor."""
    page = make_response(render_template(template, form=form, **more), 422 if form.errors else 200)
    page.headers["Cache-Control"] = "no-store"
    return page


def _codes_once(codes: list[str]) -> Response:
    """The recovery codes, for the first and last time."""
    page = make_response(render_template("security/recovery_codes.html", codes=codes))
    page.headers["Cache-Control"] = "no-store"
    return page


def _qr(address: str) -> Markup:
    """Drawn here, dark on light in every theme: some cameras read no other."""
    drawing = segno.make(address, error="m").svg_inline(
        scale=5, border=3, dark="#000", light="#fff", omitsize=True, svgclass="qr"
    )
    return Markup(drawing)  # noqa: S704  drawn by segno from figures alone

"""Pages of API keys: one's own to make and revoke, and everybody's for those who manage users."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from app.engine import registry
from app.engine.adapters import web
from app.engine.adapters.appbuilder import api_keys
from app.engine.adapters.appbuilder.forms import MISSING, CheckList, Form, stripped
from app.engine.adapters.appbuilder.users import needs, put_problems
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.policy import current_viewer
from app.engine.rights_words import entity_word

PAGE = 50


class KeyForm(Form):
    """A new key."""

    name = StringField(
        _("Name"),
        [InputRequired(MISSING), Length(max=100, message=_("This is too long."))],
        filters=[stripped],
        description=_("What will use it, such as “Website form”."),
        render_kw={"autofocus": True, "autocomplete": "off"},
    )
    scope = SelectField(
        _("What it may do"),
        choices=[("read", _("Read only")), ("write", _("Read and write"))],
        description=_("Never more than you may do yourself."),
    )
    days = SelectField(_("Expires after"), coerce=int, default=90)
    entities = CheckList(_("Only these"), description=_("Nothing ticked: all that you may see."))

    def validate_entities(self, field: Any) -> None:
        """Whoever may not see a record sees nothing that belongs to it: such a key would be empty."""
        for name in {given for given, _label in field.choices} & set(field.data or ()):
            above = _above(name)
            if above is not None and above.name not in field.data:
                raise ValidationError(
                    _(
                        "%(what)s can only be seen together with %(above)s: tick both.",
                        what=registry.current().entity(name).plural,
                        above=above.plural,
                    )
                )


class KeysView(BaseView):
    """/apikeys/…"""

    route_base = "/apikeys"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        """One's own keys."""
        keys = api_keys.keys_of(_me().id)
        return render_template("security/keys.html", keys=keys, word=entity_word)

    @expose("/add", methods=["GET", "POST"])
    def add(self) -> Response:
        """Make a key; it is shown on the page that answers, and never again."""
        me, form = _me(), KeyForm()
        _offer(form)
        if form.validate_on_submit():
            try:
                key, token = api_keys.make(
                    me.id, form.name.data, form.scope.data == "write",
                    form.entities.data or None, form.days.data,
                )  # fmt: skip
            except InvalidInput as error:
                put_problems(form, error)
            else:
                return _once(key, token)
        page = render_template("security/key_form.html", form=form)
        return make_response(page, 422 if form.errors else 200)

    @expose("/revoke/<int:pk>", methods=["POST"])
    def revoke(self, pk: int) -> Response:
        """End one of one's own keys at once."""
        api_keys.revoke(pk, _me().id)
        web.toast(gettext("The key is revoked."))
        return redirect(url_for("KeysView.list"))

    @expose("/all/")
    @needs("update")
    def everybody(self) -> str:
        """Everybody's keys, a bounded page at a time."""
        before = request.args.get("before", type=int)
        found = api_keys.all_keys(PAGE + 1, before)
        keys = found[:PAGE]
        older = url_for("KeysView.everybody", before=keys[-1].id) if len(found) > PAGE else None
        newer = url_for("KeysView.everybody") if before else None
        return render_template(
            "security/all_keys.html", keys=keys, word=entity_word, newer=newer, older=older
        )

    @expose("/all/revoke/<int:pk>", methods=["POST"])
    @needs("update")
    def revoke_anybodys(self, pk: int) -> Response:
        """End anybody's key at once."""
        api_keys.revoke(pk, None)
        web.toast(gettext("The key is revoked."))
        return redirect(url_for("KeysView.everybody"))


def _me() -> Any:
    """The person signed in. Raises NotAllowed, which leads visitors to signing in."""
    if not current_user.is_authenticated:
        raise NotAllowed
    return current_user._get_current_object()


def _above(name: str) -> registry.EntityDefinition | None:
    """The entity on whose records it depends who may see those of this one."""
    definition = registry.current().entity(name)
    through = definition.options.scope_through
    if through is None:
        return None
    return registry.current().entity(str(definition.field(through).target))


def _offer(form: KeyForm) -> None:
    viewer = current_viewer()
    form.days.choices = [
        (days, ngettext("%(num)s day", "%(num)s days", days)) for days in api_keys.LIVES
    ]
    form.entities.choices = [
        (definition.name, str(definition.plural))
        for definition in registry.current().entities.values()
        if viewer.can(definition.name, "read")
    ]


def _once(key: api_keys.ApiKey, token: str) -> Response:
    """The page that shows a key for the first and last time; no cache keeps it."""
    response = make_response(render_template("security/key_once.html", key=key, token=token))
    response.headers["Cache-Control"] = "no-store"
    return response

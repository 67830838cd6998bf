"""The forms of people's pages. Forged requests are refused before any form is read (adapters/web.py)."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.engine.adapters.appbuilder import passwords
from app.engine.adapters.i18n import LANGUAGES
from app.engine.policy import current_viewer

MISSING = _("Fill in this field.")


class Form(FlaskForm):
    """Without a token field of its own: the request as a whole was checked."""

    class Meta:
        """Read by WTForms."""

        csrf = False


def stripped(value: Any) -> Any:
    """Text without blanks around it."""
    return value.strip() if isinstance(value, str) else value


def _line(
    label: Any, longest: int, *more: Any, required: bool = True, **options: Any
) -> StringField:
    """One line of text of limited length."""
    too_long = _("At most %(number)s characters.", number=longest)
    first = InputRequired(MISSING) if required else Optional()
    checks = [first, Length(max=longest, message=too_long), *more]
    return StringField(label, validators=checks, filters=[stripped], **options)


class CheckList(SelectMultipleField):
    """Several of a few, each a checkbox."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _new_password(form: FlaskForm, field: Any) -> None:
    problem = passwords.problem(field.data or "")
    if problem is not None:
        raise ValidationError(problem)


def _same_password(form: FlaskForm, field: Any) -> None:
    if field.data != form["password"].data:
        raise ValidationError(_("The two passwords differ."))


class LoginForm(Form):
    """User name and password."""

    username = StringField(
        _("User name or e-mail"),
        [InputRequired(MISSING), Length(max=320, message=_("This is too long."))],
        render_kw={
            "autocomplete": "username",
            "autofocus": True,
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )
    password = PasswordField(
        _("Password"),
        [InputRequired(MISSING), Length(max=1000, message=_("This is too long."))],
        render_kw={"autocomplete": "current-password"},
    )


def _email() -> StringField:
    shape = Regexp(r"^[^@\s]+@[^@\s]+$", message=_("This is not an e-mail address."))
    return _line(_("E-mail"), 320, shape, render_kw={"type": "email", "autocomplete": "off"})


class ForgottenForm(Form):
    """Whose password is forgotten."""

    username = LoginForm.username


class UserForm(Form):
    """An account, as an administrator edits it."""

    last_name = _line(_("Family name"), 64, required=False)
    first_name = _line(_("Given name"), 64)
    username = _line(
        _("User name"),
        64,
        Regexp(r"^[\w.@+-]+$", message=_("Letters, digits and . _ @ + - only.")),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    email = _email()
    roles = CheckList(_("Roles"), coerce=int)
    active = BooleanField(_("May sign in"), default=True)

    def validate_roles(self, field: Any) -> None:
        """Without a role a person sees nothing: meant only until an administrator gives them one."""
        if not field.data and current_viewer().unlimited:
            raise ValidationError(_("Choose at least one role."))


class NewUserForm(UserForm):
    """The same with a first password."""

    password = PasswordField(
        _("First password"),
        [Optional(), _new_password],
        description=_(
            "Leave it empty to have one generated. It has to be changed at the first sign-in."
        ),
        render_kw={"autocomplete": "new-password"},
    )


class GivenPasswordForm(Form):
    """A password that an administrator gives."""

    password = NewUserForm.password


class ProfileForm(Form):
    """What is one's own to change."""

    last_name = _line(_("Family name"), 64, required=False)
    first_name = _line(_("Given name"), 64)
    language = SelectField(
        _("Language"),
        choices=[("", _("As the browser")), *LANGUAGES.items()],
        coerce=lambda value: value or "",
    )
    theme = SelectField(
        _("Theme"),
        choices=[("system", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    mails_results = BooleanField(_("Mail me how my jobs have ended"))


class NewPasswordForm(Form):
    """A new password of one's own."""

    password = PasswordField(
        _("New password"),
        [InputRequired(MISSING), _new_password],
        description=_(
            "At least %(number)s characters, hard to guess; longer is better than complicated.",
            number=passwords.SHORTEST,
        ),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _("New password again"),
        [InputRequired(MISSING), _same_password],
        render_kw={"autocomplete": "new-password"},
    )


class OwnPasswordForm(Form):
    """The same, after the old one, which is not asked for when it was only lent."""

    current = PasswordField(
        _("Password until now"),
        [InputRequired(MISSING)],
        render_kw={"autocomplete": "current-password"},
    )
    password = NewPasswordForm.password
    again = NewPasswordForm.again

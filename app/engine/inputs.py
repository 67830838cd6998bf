"""Inputs: the control that fits each field, out of what the field says of itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape
from wtforms.widgets import TextInput, html_params

from app.engine import policy
from app.engine.choices import Option
from app.engine.entity import key_of
from app.engine.fields import Choice, Field
from app.engine.presentation import kept

SEARCHED_FROM = 15
"""A list of more choices than this gets a search box."""

CURRENCIES = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP", "TWD", "KRW", "SGD", "AUD")
"""Offered beside an amount; another one that is stored is offered too."""

SENT_FILE = ".file"
"""How the name of an input ends that sends a file for the field before it."""

Bound = Any
"""A WTForms field inside its form; WTForms carries no types."""


class Select:
    """A select whose options are drawn already."""

    input_type = None

    def __init__(self, options: Markup) -> None:
        self.options = options

    def __call__(self, field: Bound, **attributes: Any) -> Markup:
        attributes.setdefault("id", field.id)
        return Markup("<select {}>{}</select>").format(
            _parameters(name=field.name, **attributes), self.options
        )


class YesNo:
    """A box with a hidden no before it, so that a cleared box is sent."""

    input_type = "checkbox"

    def __call__(self, field: Bound, **attributes: Any) -> Markup:
        attributes.setdefault("id", field.id)
        if field.data == "1":
            attributes["checked"] = True
        hidden = Markup("<input {}>").format(_parameters(type="hidden", name=field.name, value="0"))
        box = _parameters(type="checkbox", name=field.name, value="1", **attributes)
        return hidden + Markup("<input {}>").format(box)


class FileInput:
    """A file's number in a hidden input, a file input for where no script runs, and what is chosen now.

    With the script it is a place to drop a file on, which is sent at once and in parts.
    """

    input_type = "file"

    def __init__(self, shown: str | None, required: bool, named: str | None) -> None:
        self.shown, self.required, self.named = shown, required, named

    def __call__(self, field: Bound, **attributes: Any) -> Markup:
        attributes.setdefault("id", field.id)
        value = str(field.data or "")
        kept = Markup("")
        if value:
            kept = Markup('<p class="file-kept" data-file-kept>{}{}</p>').format(
                self.shown if self.shown is not None else gettext("(not visible)"),
                Markup("") if self.required else self._none(field),
            )
        attributes.pop("required", None)  # what was sent before is in the hidden one
        place = _parameters(
            class_="file-drop",
            data_file_drop="one",
            **({"data_file_name": input_id(self.named)} if self.named else {}),
        )
        return Markup("<div {}>{}{}{}{}</div>").format(
            place,
            Markup("<input {}>").format(
                _parameters(type="hidden", name=field.name, value=value, data_file_number=True)
            ),
            kept,
            Markup("<input {}>").format(
                _parameters(type="file", name=f"{field.name}{SENT_FILE}", **attributes)
            ),
            Markup(
                '<p class="field-hint" data-file-hint hidden>{}</p>'
                '<ul class="file-lines" data-file-lines aria-live="polite"></ul>'
            ).format(gettext("Drop a file here, or choose one.")),
        )

    @staticmethod
    def _none(field: Bound) -> Markup:
        box = _parameters(type="checkbox", name=field.name, value="", class_="form-check-input")
        return Markup(' <label class="file-none"><input {}> {}</label>').format(
            box, gettext("Remove the file")
        )


def _parameters(**attributes: Any) -> Markup:
    """Attributes of a tag; WTForms escapes their values."""
    return Markup(html_params(**attributes))  # noqa: S704


class Amount(TextInput):
    """An amount and, beside it, its currency: one field for the eye."""

    def __init__(self, currency: Bound) -> None:
        super().__init__()
        self.currency = currency

    def __call__(self, field: Bound, **attributes: Any) -> Markup:
        amount = super().__call__(field, **attributes)
        label = gettext("Currency of %(field)s", field=field.label.text)
        currency = self.currency(class_="form-select", aria_label=label)
        return Markup('<div class="input-pair">{}{}</div>').format(amount, currency)


def dress(
    bound: Bound,
    field: Field,
    text: str,
    label: str | None,
    bad: bool,
    only: Collection[str] | None = None,
) -> None:
    """Give the bound field the control of its type. `label` is the name of the record chosen.

    `bad`: the text can't be read, so that it is shown as it was typed. `only`: the choices that are
    offered; None: all.
    """
    bound.render_kw = dict(bound.render_kw or {})
    bound.flags.required = field.required
    match field.widget:
        case "boolean":
            bound.type, bound.widget = "BooleanField", YesNo()
        case "select":
            _dress_choice(bound, field, text, only)
        case "picker":
            _dress_picker(bound, field, text, label)
        case "date" | "datetime" if not bad:
            bound.widget = TextInput("date" if field.widget == "date" else "datetime-local")
        case "email" | "tel" | "url":
            bound.widget = TextInput(field.widget)
        case "number" | "decimal":
            bound.render_kw["inputmode"] = "decimal"
        case "file":
            bound.widget = FileInput(label, field.required, getattr(field, "named", None))
        case "tags":
            bound.render_kw["data-tags"] = True
    if field.widget in ("text", "number", "decimal", "email", "tel", "url"):
        bound.render_kw["autocomplete"] = "off"


def dress_currency(bound: Bound, text: str) -> None:
    """A short select: people do not type currency codes."""
    codes = CURRENCIES if not text or text in CURRENCIES else (text, *CURRENCIES)
    options = [Option(code, code) for code in codes]
    bound.widget = Select(_select(_drawn(options), text))


def _dress_picker(bound: Bound, field: Field, text: str, label: str | None) -> None:
    chosen = Markup("")
    if text:
        shown = label if label is not None else gettext("(not visible)")
        chosen = Markup('<option value="{}" selected>{}</option>').format(text, shown)
    bound.widget = Select(Markup('<option value=""></option>') + chosen)
    people = field.target == policy.USERS
    bound.render_kw["data-picker-url"] = (
        "/users/pick" if people else f"/{key_of(str(field.target))}/pick"
    )
    bound.render_kw["data-placeholder"] = gettext("Type to search")


def _dress_choice(bound: Bound, field: Field, text: str, only: Collection[str] | None) -> None:
    assert isinstance(field, Choice)
    if only is not None:
        offered = [option for option in field.options if option.value in {*only, text}]
        bound.widget = Select(_select(_drawn(offered), text))
        return
    options = Markup('<option value=""></option>') + _options(field, bound.name)
    active = field.options.by_value.get(text)
    if text and (active is None or not active.active):
        options += Markup('<option value="{}">{}</option>').format(text, field.options.label(text))
    bound.widget = Select(_select(options, text))
    if len(field.options) > SEARCHED_FROM:
        bound.render_kw["data-picker"] = True
    if field.parent:
        bound.render_kw["data-parent-field"] = input_id(field.parent)


def _options(field: Choice, name: str) -> Markup:
    """The options, drawn once for each registry and language."""
    key = ("options", field.list_name or id(field.options), field.parent, name)
    return kept(key, lambda: _drawn(field.options.active(), bool(field.parent)))


def _drawn(options: list[Option], grouped: bool = False) -> Markup:
    """With `grouped` each option says what it belongs to, for the script that narrows the list."""
    if not grouped:
        plain = Markup('<option value="{}">{}</option>')
        return Markup("").join(plain.format(o.value, str(o.label)) for o in options)
    belonging = Markup('<option value="{}" data-parent="{}">{}</option>')
    return Markup("").join(belonging.format(o.value, o.parent or "", str(o.label)) for o in options)


def _select(options: Markup, value: str) -> Markup:
    marked = f'<option value="{escape(value)}"'
    return Markup(str(options).replace(marked, f"{marked} selected", 1))  # noqa: S704


def input_id(name: str) -> str:
    """The id of a field's control in the page."""
    return f"f-{name}"

"""Languages: which one a request is answered in, switching it, catalogs, how dates and figures are written.

Flask-AppBuilder sets flask-babel up in its own way; `init` then puts ours in its place: our
catalogs only, our order of choice, and a switch that keeps the page.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

from babel.dates import format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from flask import Flask, abort, g, has_request_context, redirect, request, session
from flask_babel import (
    format_date,
    format_datetime,
    format_decimal,
    format_time,
    get_locale,
    gettext,
    refresh,
    to_user_timezone,
)
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

LANGUAGES = {"zh": "中文", "en": "English"}
"""Code and own name of every language that the pages come in; the first is the default."""

DEFAULT = "zh"
TAGS = {"zh": "zh-CN", "en": "en"}
"""What the page's `lang` attribute says."""

CATALOGS = Path(__file__).resolve().parents[3] / "translations"
TIMEZONE = "Asia/Shanghai"


def init(app: Flask) -> None:
    """Make the pages speak our languages. Call it after AppBuilder(app)."""
    named = {code: {"flag": code, "name": name} for code, name in LANGUAGES.items()}
    app.config.update(LANGUAGES=named, BABEL_DEFAULT_LOCALE=DEFAULT)
    babel = app.extensions["babel"]
    babel.default_locale = DEFAULT
    babel.default_timezone = app.config.get("BABEL_DEFAULT_TIMEZONE", TIMEZONE)
    babel.default_directories = [str(CATALOGS)]
    babel.translation_directories = [str(CATALOGS)]
    babel.locale_selector = select_language
    app.view_functions["LocaleView.index"] = switch_language
    app.jinja_env.globals.update(_=translated, gettext=translated)
    app.jinja_env.filters.update(
        number=number,
        short_time=short_time,
        full_time=full_time,
        clock=clock,
        day_and_time=day_and_time,
    )


def select_language() -> str:
    """The person's choice for this session, else their own language, else the browser's, else Chinese."""
    if not has_request_context():
        return DEFAULT
    asked = request.args.get("_l_")  # Flask-AppBuilder's REST API takes the language so
    if asked in LANGUAGES:
        return asked
    chosen = session.get("locale")
    if chosen in LANGUAGES:
        return str(chosen)
    own = None if g.get("without_user") else getattr(current_user, "language", None)
    if own in LANGUAGES:
        return str(own)
    return request.accept_languages.best_match(list(LANGUAGES), DEFAULT)


_known: dict[tuple[str, str], Markup] = {}
"""What templates say, in each language: they say the same few hundred things on every page."""


def translated(message: str, /, **values: Any) -> Markup:
    """A template's message in the reader's language; values are escaped as they are put in."""
    key = (language(), message)
    if key not in _known:
        _known[key] = Markup(gettext(message))  # noqa: S704  (catalogs are ours, as templates are)
    return _known[key] % values


def switch_language(locale: str) -> Response:
    """GET /lang/<code>?next=/path: the same page in the other language."""
    from app.engine.adapters.web import safe_next

    if locale not in LANGUAGES:
        abort(404)
    session["locale"] = locale
    refresh()
    return redirect(safe_next())


def language() -> str:
    """The language of the answer being made: `zh` or `en`."""
    locale = get_locale()
    code = locale.language if locale is not None else DEFAULT
    return code if code in LANGUAGES else DEFAULT


def compile_catalogs(folder: Path = CATALOGS) -> list[Path]:
    """Compile every catalog that is newer than its compiled form; returns what was written.

    Raises ValueError naming a catalog that cannot be read.
    """
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        try:
            with source.open("rb") as file:
                catalog = read_po(file, locale=source.parts[-3], abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise ValueError(f"{source}: {error}") from error
        fresh = target.with_suffix(f".mo.{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, catalog)
        fresh.replace(target)  # whole or not at all: several processes may start at once
        written.append(target)
    return written


def number(value: Any) -> str:
    """Digits grouped as the language does."""
    return "" if value is None else str(format_decimal(value))


def short_time(value: datetime.date | None) -> str:
    """Today's time of day, this year's day, or the whole date."""
    if value is None:
        return ""
    today = to_user_timezone(datetime.datetime.now(datetime.UTC)).date()
    day = value
    if isinstance(value, datetime.datetime):
        day = to_user_timezone(value).date()
        if day == today:
            return str(format_time(value, "short"))
    skeleton = "MMMd" if day.year == today.year else "yMMMd"
    return format_skeleton(skeleton, day, locale=get_locale())


def day_and_time(value: datetime.datetime) -> str:
    """The day and the time of day to the minute."""
    return str(format_datetime(value, "short"))


def clock(value: datetime.datetime) -> str:
    """The time of day to the second, after the day where that is not today's."""
    time = format_time(value, "HH:mm:ss")
    if (
        to_user_timezone(value).date()
        == to_user_timezone(datetime.datetime.now(datetime.UTC)).date()
    ):
        return str(time)
    return f"{short_time(value)} {time}"


def full_time(value: datetime.date | None) -> str:
    """The whole date, with the time where there is one."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return str(format_datetime(value, "full"))
    return str(format_date(value, "full", rebase=False))

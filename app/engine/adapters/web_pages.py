"""What every template can count on: addresses of static files, the page's language and theme, small filters."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, g, request, session, url_for
from flask_babel import gettext
from flask_login import current_user

from app.engine.adapters import i18n

THEMES = ("light", "dark", "system")
HUES = 6


def init(app: Flask) -> None:
    """Register globals, filters and the shell's context."""
    app.jinja_env.globals.update(asset=asset, language_href=language_href)
    app.jinja_env.filters.update(initials=initials, hue=hue)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(shell)


def shell() -> dict[str, Any]:
    """What base.html and blank.html need on every page."""
    language = i18n.language()
    return {
        "page_language": language,
        "page_lang": i18n.TAGS[language],
        "page_theme": theme(),
        "sidebar": "narrow" if request.cookies.get("sidebar") == "narrow" else "wide",
        "languages": list(i18n.LANGUAGES.items()),
        "words": words(),
        "auth_endpoint": _auth_endpoint(),
    }


def plain(template: str, **context: Any) -> str:
    """Render without context processors: nothing but the template and the shell is asked."""
    return current_app.jinja_env.get_template(template).render(
        **shell(),
        **context,
        current_user=None,
        navigation=[],
        request=request,
        session=session,
        g=g,
    )


def theme() -> str:
    """light, dark or system: as chosen in this browser, else as in the person's profile."""
    chosen = request.cookies.get("theme")
    if chosen not in THEMES and not g.get("without_user"):
        chosen = getattr(current_user, "theme", None)
    return chosen if chosen in THEMES else "system"


def words() -> dict[str, str]:
    """What the scripts say."""
    return {
        "failed": gettext("This did not work. Please try again."),
        "offline": gettext("The server can't be reached. Check the connection."),
        "copied": gettext("Copied."),
        "none_found": gettext("Nothing found"),
        "searching": gettext("Searching…"),
        "create": gettext("Add “%(text)s”", text="{text}"),
        "remove": gettext("Remove"),
        "clear": gettext("Clear"),
        "cancel": gettext("Cancel"),
        "file_waits": gettext("Waits for the others"),
        "file_checked": gettext("Being checked"),
        "file_again": gettext("Try again"),
        "no_figures": gettext("No figures yet"),
    }


def asset(name: str) -> str:
    """The address of a static file, with a mark of its content, so that browsers may keep it."""
    drawn: dict[str, str] = g.setdefault("assets", {})  # an icon asks dozens of times a page
    if name not in drawn:
        drawn[name] = url_for("static", filename=name, v=_mark(name))
    return drawn[name]


def _mark(name: str) -> str:
    folder = Path(current_app.static_folder or "")
    path = folder / name
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return "0"
    known: dict[str, tuple[int, str]] = current_app.extensions.setdefault("steward.assets", {})
    if name not in known or known[name][0] != changed:
        known[name] = (changed, hashlib.sha256(path.read_bytes()).hexdigest()[:10])
    return known[name][1]


def language_href(code: str) -> str:
    """The address that shows this page in another language."""
    here = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else request.path
    return f"{request.script_root}/lang/{code}?next={quote(request.script_root + here, safe='')}"


def initials(name: str) -> str:
    """One or two signs for a person: the last two characters of a Chinese name, else first letters."""
    words_of_name = str(name).split()
    if not words_of_name:
        return "?"
    if any("\u3400" <= sign <= "\u9fff" for sign in words_of_name[0]):
        return words_of_name[0][-2:]
    return (
        words_of_name[0][:1] + (words_of_name[-1][:1] if len(words_of_name) > 1 else "")
    ).upper()


def hue(name: str) -> int:
    """A colour of the palette, always the same for the same name."""
    return zlib.crc32(str(name).encode()) % HUES


def _auth_endpoint() -> str | None:
    builder = current_app.extensions.get("appbuilder")
    return builder.sm.auth_view.endpoint if builder else None

"""What the own profile page says of signing in beside the password: a line each, with its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user

from app.engine.adapters.appbuilder import api_keys
from app.engine.adapters.appbuilder.linked_accounts import links_of
from app.engine.adapters.appbuilder.provider_list import label_of, providers


@dataclass(frozen=True)
class WayIn:
    """What it is, how it stands, and where it is changed."""

    label: Any
    state: Any
    href: str


def init(app: Flask) -> None:
    """Let templates ask."""
    app.jinja_env.globals.update(
        ways_in=lambda: [shown for line in LINES if (shown := line(current_user)) is not None],
        sign_in_providers=providers,
    )


def _keys(me: Any) -> WayIn:
    live = api_keys.live_keys_of(me.id)
    state = ngettext("%(num)s key", "%(num)s keys", live) if live else gettext("None")
    return WayIn(gettext("API keys"), state, url_for("KeysView.list"))


def _second_factor(me: Any) -> WayIn:
    state = gettext("On") if me.second_factor_since else gettext("Off")
    return WayIn(gettext("Second factor"), state, url_for("SecondFactorView.show"))


def _providers(me: Any) -> WayIn | None:
    links = links_of(me.id)
    if not providers() and not links:
        return None
    names = [label_of(key) for key in links]
    state = str(gettext(", ")).join(map(str, names)) or gettext("None")
    return WayIn(gettext("Linked accounts"), state, url_for("ProvidersView.list"))


LINES: tuple[Callable[[Any], WayIn | None], ...] = (_second_factor, _providers, _keys)
"""In the order of the page."""

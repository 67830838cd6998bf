"""The pages of the help."""

from __future__ import annotations

from typing import Any

from flask import Flask, render_template, request
from flask_login import current_user

from app.engine import keys
from app.engine.adapters.appbuilder.views import Pages, expose, page


class HelpPages(Pages):
    """/help/…"""

    @expose("/help/keys")
    @page()
    def keys(self) -> str:
        """The list of keys; only the list when “?” asks for it."""
        partial = "HX-Request" in request.headers
        return render_template(
            "help/_keys.html" if partial else "help/keys.html",
            groups=[
                (title, [(keys.shown(key.keys), key.label) for key in members])
                for title, members in keys.GROUPS
            ],
            partial=partial,
        )


def register(app: Flask, appbuilder: Any) -> None:
    """Add the pages, and give every page's script its keys."""
    appbuilder.add_view_no_menu(HelpPages)
    app.context_processor(
        lambda: {"page_keys": keys.table() if current_user.is_authenticated else []}
    )

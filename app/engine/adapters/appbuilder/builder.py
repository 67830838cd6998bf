"""The AppBuilder of Steward: our views registered with Flask-AppBuilder, our policy behind it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder
from sqlalchemy.orm import scoped_session

from app.engine.adapters.appbuilder.security import StewardSecurityManager


class StewardAppBuilder(AppBuilder):
    """Without permission rows at start: those are derived from the policy when it is seeded."""

    def __init__(self, app: Flask, session: scoped_session[Any], indexview: type) -> None:
        super().__init__(
            app,
            session,
            indexview=indexview,
            base_template="base.html",
            security_manager_class=StewardSecurityManager,
            update_perms=False,
        )

"""The factory: the one place where the parts of Steward are put together."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, g, request
from flask_migrate import Migrate

import app.domains  # noqa: F401  (declares the entities)
from app.engine import audit, registry, surfaces
from app.engine.adapters import i18n, logs, mail, queue, storage, vault, web
from app.engine.adapters.appbuilder import StewardAppBuilder
from app.engine.adapters.database import db, engine_options
from app.engine.policy import refresh_rights
from app.engine.surfaces.home import HomeView
from config import ROOT, Settings


def create_app(settings: Settings) -> Flask:
    """The web application; jobs and commands use its context too."""
    logs.know(settings)
    vault.use(settings.encryption_keys)
    flask_app = Flask("app", root_path=str(ROOT / "app"))
    flask_app.config.from_mapping(_flask_config(settings))
    db.init_app(flask_app)
    Migrate(flask_app, db, directory=str(ROOT / "app" / "migrations"), render_as_batch=False)
    web.init(flask_app)
    audit.init(flask_app)
    queue.init(flask_app)
    storage.init(flask_app)
    mail.init(flask_app)
    flask_app.before_request(_notice_changes)
    with flask_app.app_context():
        appbuilder = StewardAppBuilder(flask_app, db.session, HomeView)
        i18n.init(flask_app)
        surfaces.register(flask_app, appbuilder)
    return flask_app


def _notice_changes() -> None:
    """Before each page: is this process's registry, and what it keeps of the rights, still so?"""
    if request.endpoint in (None, "static", "healthz", "readyz"):
        return
    numbers = registry.versions()
    g.versions = numbers
    registry.refresh(numbers)
    refresh_rights(numbers)


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "STEWARD": settings,
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_url),
        "MAX_CONTENT_LENGTH": settings.upload_limit,
        "MAX_FORM_MEMORY_SIZE": 2_000_000,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "TEMPLATES_AUTO_RELOAD": False,
        "APP_NAME": "Steward",
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
        "FAB_ADD_SECURITY_VIEWS": True,
        "FAB_API_SWAGGER_UI": False,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=60),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(days=7),
        "JWT_ALGORITHM": "HS256",
        "MAX_FORM_PARTS": 2000,
    }

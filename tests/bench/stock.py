"""The other side: Flask-AppBuilder as its tutorial has one use it, on the same columns and rows.

It imports nothing of Steward's. `python -m tests.bench.stock create|serve` with DATABASE_URL, PORT.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelRestApi, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import User
from gunicorn.app.base import BaseApplication
from sqlalchemy import JSON, Column, Date, DateTime, ForeignKey, Integer, Numeric, String, Text
from sqlalchemy.orm import relationship

db = SQLA()

ADMINISTRATOR = "admin"


class Customer(Model):  # type: ignore[misc]
    """Steward's columns; indexed as Steward's are, without its conditions on the trash."""

    __tablename__ = "customer"

    id = Column(Integer, primary_key=True)
    name = Column(String(200), nullable=False, index=True)
    short_name = Column(String(60))
    credit_code = Column(String(30), unique=True)
    external_code = Column(String(60), unique=True)
    customer_type = Column(String(60), index=True)
    industry = Column(String(60), index=True)
    ownership = Column(String(60), index=True)
    controller = Column(String(200))
    listing = Column(String(60), index=True)
    listed_on = Column(Date, index=True)
    province = Column(String(60), index=True)
    city = Column(String(60), index=True)
    address = Column(String(300))
    phone = Column(String(40), index=True)
    email = Column(String(254))
    website = Column(String(500))
    status = Column(String(60), index=True)
    value_tier = Column(String(60), index=True)
    grade = Column(String(60), index=True)
    need_type = Column(String(60), index=True)
    yearly_amount = Column(Numeric(18, 2), index=True)
    yearly_amount_currency = Column(String(3))
    source = Column(String(60), index=True)
    preferred_channel = Column(String(60), index=True)
    account_manager_id = Column(Integer, ForeignKey("ab_user.id"), index=True)
    account_manager = relationship(User)
    customer_since = Column(Date, index=True)
    tags = Column(JSON)
    notes = Column(Text)
    review_state = Column(String(60), index=True)
    created_at = Column(DateTime(timezone=True), index=True)
    updated_at = Column(DateTime(timezone=True), index=True)

    def __repr__(self) -> str:
        return str(self.name)


LIST_COLUMNS = [
    "name", "industry", "province", "city", "status", "value_tier", "yearly_amount",
    "account_manager", "tags",
]  # fmt: skip
FORM_COLUMNS = [
    "name", "short_name", "credit_code", "external_code", "customer_type", "industry", "ownership",
    "controller", "listing", "listed_on", "province", "city", "address", "phone", "email",
    "website", "status", "value_tier", "grade", "need_type", "yearly_amount",
    "yearly_amount_currency", "source", "preferred_channel", "account_manager", "customer_since",
    "notes",
]  # fmt: skip
ALL_COLUMNS = [*FORM_COLUMNS, "id", "tags", "review_state", "created_at", "updated_at"]


class CustomerView(ModelView):  # type: ignore[misc]
    """/customerview/list/"""

    datamodel = SQLAInterface(Customer)
    list_columns = LIST_COLUMNS
    add_columns = edit_columns = FORM_COLUMNS
    show_columns = ALL_COLUMNS
    search_columns = FORM_COLUMNS
    base_order = ("id", "desc")
    page_size = 25


class CustomerApi(ModelRestApi):  # type: ignore[misc]
    """/api/v1/customer/"""

    resource_name = "customer"
    datamodel = SQLAInterface(Customer)
    list_columns = show_columns = ALL_COLUMNS
    add_columns = edit_columns = FORM_COLUMNS
    base_order = ("id", "desc")


def create_app() -> Flask:
    """The application on the database of DATABASE_URL."""
    app = Flask("stock")
    app.config.update(
        SECRET_KEY="of a benchmark, on the loopback address only",
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
        SQLALCHEMY_TRACK_MODIFICATIONS=False,
        BABEL_DEFAULT_LOCALE="en",
        LANGUAGES={
            "en": {"flag": "gb", "name": "English"},
            "zh": {"flag": "cn", "name": "Chinese"},
        },
        APP_NAME="Stock",
        AUTH_RATE_LIMITED=False,
    )
    db.init_app(app)
    with app.app_context():
        builder = AppBuilder(app, db.session)
        builder.add_view(CustomerView, "Customers", category="Customers")
        builder.add_api(CustomerApi)
    return app


def create(password: str) -> None:
    """Tables, permissions and the administrator."""
    app = create_app()
    with app.app_context():
        db.create_all()
        manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
        if manager.find_user(ADMINISTRATOR) is None:
            role = manager.find_role("Admin")
            manager.add_user(ADMINISTRATOR, "A", "B", "admin@localhost", role, password)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, set up as Steward's is."""

    def load_config(self) -> None:
        """Two processes of four threads, and the application built before the fork."""
        options = {
            "bind": f"127.0.0.1:{os.environ['PORT']}",
            "workers": 2,
            "threads": 4,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 120,
            "keepalive": 5,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": self.begin_worker,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the application, once."""
        self.app = create_app()
        return self.app

    def begin_worker(self, _arbiter: Any, _worker: Any) -> None:
        """Connections are not shared with the master."""
        with self.app.app_context():
            db.engine.dispose(close=False)


if __name__ == "__main__":
    if sys.argv[1:] == ["create"]:
        create(os.environ["ADMIN_PASSWORD"])
    else:
        Server().run()

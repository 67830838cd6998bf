"""Whether the process is up (`/healthz`), and whether the installation can work (`/readyz`)."""

from __future__ import annotations

from http import HTTPStatus

import redis
from flask import Flask, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.engine.adapters import embedded_queue, queue
from app.engine.adapters.database import db
from config import Settings

OK = "ok"
ANSWER_SECONDS = 2


def register(app: Flask, _appbuilder: object) -> None:
    """Add both addresses; they ask for no login and show nothing but what works."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def healthz() -> Response:
    """This process answers."""
    return jsonify(status=OK)


def readyz() -> tuple[Response, int]:
    """Database, queue and a worker answer; 503 with the reason for each that does not."""
    found = {"database": _database(), "queue": _queue()}
    found["worker"] = _worker() if found["queue"] == OK else "unknown"
    ready = all(answer == OK for answer in found.values())
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status=OK if ready else "unavailable", **found), status


def _database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        db.session.rollback()
        return f"does not answer ({type(error).__name__})"
    return OK


def _queue() -> str:
    settings: Settings = current_app.config["STEWARD"]
    try:
        embedded_queue.ask(settings.redis_url or "", ANSWER_SECONDS)
    except (redis.RedisError, OSError, ValueError) as error:
        return f"does not answer ({type(error).__name__})"
    return OK


def _worker() -> str:
    try:
        alive = queue.live_workers()
    except (redis.RedisError, OSError) as error:
        return f"unknown ({type(error).__name__})"
    return OK if alive else "no worker is running"

"""The web processes: gunicorn, set up here and nowhere else."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from app.engine.adapters import leash, logs
from app.engine.adapters.database import db
from app.engine.search import load_dictionary
from config import Settings


class WebLogger(Logger):
    """gunicorn's own lines, without secrets as well."""

    def setup(self, cfg: Any) -> None:
        """Set up its handlers, then put the filter before each."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.addFilter(logs.Redacting())


class WebServer(BaseApplication):
    """gunicorn on one application, built before the fork so that the workers share its memory."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        load_dictionary()  # of pinyin: once, before the fork
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn; its own command line and files are not read."""
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, for gunicorn."""
        return self.app

    def _options(self) -> dict[str, Any]:
        settings: Settings = self.app.config["STEWARD"]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        memory = Path("/dev/shm")  # noqa: S108  heartbeats of workers: never wait for a disk
        return {
            "bind": f"{host}:{settings.port}",
            "workers": settings.web_workers,
            "threads": settings.web_threads,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 60,
            "graceful_timeout": 5,
            "keepalive": 5,
            "forwarded_allow_ips": "",  # whom to believe is said by TRUSTED_PROXIES alone
            "backlog": 1024,
            "worker_tmp_dir": str(memory) if os.access(memory, os.W_OK) else None,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": WebLogger,
            "proc_name": "steward-web",
            "post_fork": _begin_worker,
        }


def _begin_worker(arbiter: Any, worker: Any) -> None:
    """In a fresh worker: end with the master, and share no connection with it."""
    leash.bind(arbiter.pid, signal.SIGKILL)
    with worker.app.wsgi().app_context():
        db.engine.dispose(close=False)


def run(app: Flask) -> int:
    """Serve the pages until told to stop."""
    logs.begin(app.config["STEWARD"])
    WebServer(app).run()
    return 0

"""What commands of one shot share: the application's context, the language of the terminal, whose rights."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import force_locale

from app import create_app
from app.commands import keys, prepared
from app.engine import policy, registry
from app.engine.adapters.disk import full_disk_told
from app.engine.adapters.i18n import LANGUAGES
from app.engine.errors import StewardError
from config import Settings

REFUSED = 1


@contextlib.contextmanager
def session(settings: Settings) -> Iterator[None]:
    """The application, on behalf of the system: who may open a terminal here can read the data folder anyway."""
    prepared.require_tables(settings)
    keys.fit(settings)
    app = create_app(settings)
    with app.app_context(), force_locale(language()), policy.acting_as(policy.SYSTEM_VIEWER):
        registry.refresh(registry.versions())
        yield


def language() -> str:
    """The terminal's language where we have it, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if wanted := os.environ.get(variable, "")[:2].lower():
            return wanted if wanted in LANGUAGES else "en"
    return "en"


@contextlib.contextmanager
def problems_told() -> Iterator[None]:
    """Say what is wrong with the input in a line each, and leave with exit code 1."""
    try:
        with full_disk_told():
            yield
    except StewardError as error:
        for problem in getattr(error, "problems", ()):
            place = f"{problem.field}: " if problem.field else ""
            print(f"steward: {place}{problem.message}", file=sys.stderr)
        if not getattr(error, "problems", ()):
            print(f"steward: {error}", file=sys.stderr)
        raise SystemExit(REFUSED) from error


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result for a program or for a person."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False, default=str))
        return
    for name, value in result.items():
        if isinstance(value, list):
            for entry in value:
                print(f"  {entry}")
        elif value is not None:
            print(f"{name:<12} {value}")

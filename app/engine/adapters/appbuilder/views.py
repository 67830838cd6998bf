"""Base classes of our pages and APIs: Flask-AppBuilder's views with our sign-in and our policy.

Addresses carry the entity's key (`/customer/…`), so that what an administrator adds at run time
has its pages in every process at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import BaseApi
from flask_jwt_extended import verify_jwt_in_request
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine.errors import NotFound
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.policy import current_viewer
from app.engine.registry import EntityDefinition, current

__all__ = ["Api", "Pages", "api_entity", "api_person", "entity_page", "expose", "page"]


class Pages(BaseView):
    """A surface's pages; its methods are exposed at addresses of their own."""

    route_base = ""
    default_view = ""


class Api(BaseApi):
    """A surface's API; cookies of signed-in people count, and tokens."""

    route_base = "/api/v1"
    allow_browser_login = True
    csrf_exempt = False


def page(entity: str | None = None, action: str | None = None) -> Callable[..., Any]:
    """A page for signed-in people, and of them for those with the right `action` on `entity`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(self: Pages, *args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return _to_sign_in()
            if entity is not None and action is not None:
                current_viewer().require(entity, action)
            _possible(kwargs)
            return function(self, *args, **kwargs)

        return wrapped

    return decorate


def entity_page(action: str) -> Callable[..., Any]:
    """A page of the entity that the address names by `key`; the method gets its definition."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(self: Pages, key: str, *args: Any, **kwargs: Any) -> Any:
            definition = _definition(key)
            if not current_user.is_authenticated:
                return _to_sign_in()
            current_viewer().require(definition.name, action)
            _possible(kwargs)
            return function(self, definition, *args, **kwargs)

        return wrapped

    return decorate


def api_entity(action: str) -> Callable[..., Any]:
    """The same for an API: by token, or by the cookie of somebody signed in."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(self: Api, key: str, *args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                verify_jwt_in_request()
            definition = _definition(key)
            current_viewer().require(definition.name, action)
            return function(self, definition, *args, **kwargs)

        return wrapped

    return decorate


def api_person(function: Callable[..., Any]) -> Callable[..., Any]:
    """An API for signed-in people, about what is their own; by token, or by cookie."""

    @functools.wraps(function)
    def wrapped(self: Api, *args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            verify_jwt_in_request()
        return function(self, *args, **kwargs)

    return wrapped


def _definition(key: str) -> EntityDefinition:
    definition = current().by_key.get(key)
    if definition is None:
        raise NotFound
    return definition


def _possible(arguments: Mapping[str, Any]) -> None:
    """An id in the address that no database can hold is that of nothing. Raises NotFound."""
    if any(isinstance(given, int) and given > MAX_IDENTIFIER for given in arguments.values()):
        raise NotFound


def _to_sign_in() -> Response:
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    sign_in = f"{current_app.appbuilder.sm.auth_view.endpoint}.login"  # type: ignore[attr-defined]
    if request.headers.get("HX-Request"):
        answer = Response(status=401)
        answer.headers["HX-Redirect"] = url_for(sign_in)
        return answer
    return redirect(url_for(sign_in, next=target))

"""The OpenAPI document: Flask-AppBuilder's, at its address, made anew for each request.

Each registered API adds its part (`add_api_spec`), so fields of the registry as it is now are in it.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import current_app
from flask_appbuilder.api import BaseApi
from flask_appbuilder.api.manager import OpenApi as StockOpenApi
from flask_jwt_extended import verify_jwt_in_request
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.views import Api, expose

TOO_MANY = {"429": {"$ref": "#/components/responses/429"}}


class OpenApi(Api):
    """GET /api/v1/_openapi, for whoever is signed in: it names the fields that they may see."""

    openapi_spec_tag = "OpenApi"

    @expose("/_openapi")
    def document(self) -> Response:
        """Everything under /api/v1, in OpenAPI's words.
        ---
        get:
          description: The OpenAPI document of this API, with the fields as they are now
          security:
          - jwt: []
          - api_key: []
          - session: []
          responses:
            200:
              description: The OpenAPI document
              content:
                application/json:
                  schema:
                    type: object
            401:
              $ref: '#/components/responses/401'
            403:
              $ref: '#/components/responses/403'
        """
        if not current_user.is_authenticated:
            verify_jwt_in_request()
        response: Response = current_app.response_class(
            orjson.dumps(self._document()), content_type="application/json; charset=utf-8"
        )
        return response

    def _document(self) -> dict[str, Any]:
        spec = StockOpenApi._create_api_spec("v1")
        for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
            if isinstance(view, BaseApi) and view.version == "v1":
                view.add_api_spec(spec)
        name = current_app.session_interface.get_cookie_name(current_app)
        cookie = {
            "type": "apiKey",
            "in": "cookie",
            "name": name,
            "description": "Signed in on the pages; writes need the header X-CSRFToken as well.",
        }
        spec.components.security_scheme("session", cookie)
        document: dict[str, Any] = spec.to_dict()
        _complete(document)
        return document


def _complete(document: dict[str, Any]) -> None:
    """Add what Flask-AppBuilder's own parts leave out."""
    document["components"]["securitySchemes"]["api_key"] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "stw_…",
        "description": "A key made on the profile page: its owner's rights, narrowed to reading or "
        "to some entities where the key says so. It does not open the security addresses.",
    }
    responses = document["components"]["responses"]
    responses["429"] = {**responses["401"], "description": "Too many attempts"}
    for response in responses.values():
        message = response["content"]["application/json"]["schema"]["properties"]["message"]
        message.pop("type", None)  # a sign-in's malformed body is answered field by field
    signing_in = document["paths"].get("/api/v1/security/login", {}).get("post")
    if signing_in is not None:
        body = signing_in["requestBody"]["content"]["application/json"]["schema"]["properties"]
        body["otp"] = {
            "type": "string",
            "description": "The code of the second factor, or a recovery code, where the account has one",
        }
        signing_in["responses"]["403"] = {"$ref": "#/components/responses/403"}
    for path in ("/api/v1/security/login", "/api/v1/security/refresh"):
        for operation in document["paths"].get(path, {}).values():
            operation["responses"] |= TOO_MANY

"""A provider of our own that speaks OpenID Connect over HTTP: for tests, without the network.

It keeps the protocol's rules: a code counts once, for one client and one address; PKCE, the client's
secret and tokens are looked at. `spoil` changes the ID token before it is signed, as an attacker might.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, jsonify, redirect, request
from jwt.algorithms import RSAAlgorithm
from werkzeug.serving import make_server

CLIENT, SECRET = "steward", "oidc-secret: of/ours"


def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OpenIdStandIn:
    """One provider; `person` is the claims of whoever signs in there next."""

    def __init__(self) -> None:
        self.app = Flask("openid_stand_in")
        self.keys = {"one": signing_key()}
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        for path, view, method in (
            ("/.well-known/openid-configuration", self.discovery, "GET"),
            ("/authorize", self.authorize, "GET"),
            ("/token", self.token, "POST"),
            ("/jwks", self.jwks, "GET"),
            ("/userinfo", self.userinfo, "GET"),
        ):
            self.app.add_url_rule(path, path, view, methods=[method])
        self.app.before_request(self._note)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.clean()
        self._thread.start()

    def clean(self) -> None:
        """As at the beginning."""
        self.person: dict[str, Any] = {
            "sub": "248289",
            "name": "张伟",
            "preferred_username": "zhangwei",
        }
        self.further: dict[str, Any] | None = None
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.spoil: Callable[[dict[str, Any]], Any] = lambda claims: None
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.metadata: dict[str, Any] = {}
        self.by_post = False
        self.down = False

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def settings(self) -> dict[str, str]:
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_NAME": "Example ID",
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """By the newest key."""
        kid = list(self.keys)[-1]
        return jwt.encode(claims, self.keys[kid], "RS256", headers={"kid": kid})

    def _note(self) -> Response | None:
        self.asked.append(request.path)
        return Response("<h1>502 Bad Gateway</h1>", 502) if self.down else None

    def discovery(self) -> Any:
        way = "client_secret_post" if self.by_post else "client_secret_basic"
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": [way],
        }
        return jsonify({**told, **self.metadata})

    def authorize(self) -> Any:
        asked = request.args
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(12)
        self.codes[code] = {**asked.to_dict(), "person": dict(self.person)}
        return redirect(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    def token(self) -> Any:
        if self._client() != (CLIENT, SECRET):
            return jsonify(error="invalid_client"), 401
        given = request.form
        found = self.codes.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            found is None
            or given.get("grant_type") != "authorization_code"
            or given.get("redirect_uri") != found["redirect_uri"]
            or challenge != found["code_challenge"]
        ):
            return jsonify(error="invalid_grant"), 400
        moment = int(time.time())
        times = {"iat": moment, "exp": moment + 300}
        claims = {"iss": self.issuer, "aud": CLIENT, **times, "nonce": found["nonce"]}
        claims |= found["person"]
        self.spoil(claims)
        access = secrets.token_hex(8)
        self.tokens.add(access)
        return jsonify(access_token=access, token_type="Bearer", id_token=self.sign(claims))

    def _client(self) -> tuple[str | None, str | None]:
        from urllib.parse import unquote

        if self.by_post:
            return request.form.get("client_id"), request.form.get("client_secret")
        basic = request.authorization
        if basic is None:
            return None, None
        return unquote(basic.username or ""), unquote(basic.password or "")

    def jwks(self) -> Any:
        return jsonify(
            keys=[
                {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
                for kid, key in self.keys.items()
            ]
        )

    def userinfo(self) -> Any:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return jsonify(error="invalid_token"), 401
        return jsonify(self.further or {"sub": self.person["sub"]})

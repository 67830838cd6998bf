"""A server of our own that speaks as 企业微信, 钉钉 and 飞书 do, over HTTP: for tests, without the network.

It keeps their rules: a code counts once, for one application, and not for ever; secrets and tokens
are looked at; 飞书 wants the same address back; what is wrong is answered as each of them answers it.
"""

from __future__ import annotations

import secrets
import threading
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server

CORP, AGENT, SECRET = "ww0123456789", "1000002", "wecom-secret"
CLIENT, CLIENT_SECRET, COMPANY = "dingclient", "ding-secret", "dingcorp01"
APP, APP_SECRET = "cli_a1b2c3", "feishu-secret"


class StandIn:
    """The three providers at one address; `person` is whoever signs in there next."""

    def __init__(self) -> None:
        self.app = Flask("stand_in")
        self.person: dict[str, Any] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.down = False
        self.corp_token = ""
        self.company = COMPANY
        self._routes()
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def settings(self) -> dict[str, str]:
        """What Steward's operator would set."""
        return {
            "WECOM_CORP_ID": CORP,
            "WECOM_AGENT_ID": AGENT,
            "WECOM_SECRET": SECRET,
            "WECOM_URL": self.address,
            "WECOM_LOGIN_URL": f"{self.address}/wwlogin/sso/login",
            "DINGTALK_CLIENT_ID": CLIENT,
            "DINGTALK_CLIENT_SECRET": CLIENT_SECRET,
            "DINGTALK_URL": self.address,
            "DINGTALK_LOGIN_URL": f"{self.address}/oauth2/auth",
            "FEISHU_APP_ID": APP,
            "FEISHU_APP_SECRET": APP_SECRET,
            "FEISHU_URL": self.address,
            "FEISHU_LOGIN_URL": f"{self.address}/open-apis/authen/v1/authorize",
        }

    def _code(self, **about: Any) -> str:
        code = secrets.token_hex(12)
        self.codes[code] = {"person": dict(self.person), **about}
        return code

    def _routes(self) -> None:
        self.app.before_request(self._note)
        for path, view in (
            ("/wwlogin/sso/login", self.wecom_login),
            ("/cgi-bin/gettoken", self.wecom_token),
            ("/cgi-bin/auth/getuserinfo", self.wecom_person),
            ("/cgi-bin/user/get", self.wecom_member),
            ("/oauth2/auth", self.dingtalk_login),
            ("/v1.0/contact/users/me", self.dingtalk_person),
            ("/open-apis/authen/v1/authorize", self.feishu_login),
            ("/open-apis/authen/v1/user_info", self.feishu_person),
        ):
            self.app.add_url_rule(path, path, view)
        for path, view in (
            ("/v1.0/oauth2/userAccessToken", self.dingtalk_token),
            ("/open-apis/authen/v2/oauth/token", self.feishu_token),
        ):
            self.app.add_url_rule(path, path, view, methods=["POST"])

    def _note(self) -> Response | None:
        self.asked.append(request.path)
        return Response("<h1>502 Bad Gateway</h1>", 502) if self.down else None

    # 企业微信

    def wecom_login(self) -> Any:
        asked = request.args
        assert (asked["login_type"], asked["appid"], asked["agentid"]) == ("CorpApp", CORP, AGENT)
        return redirect(f"{asked['redirect_uri']}?code={self._code()}&state={asked['state']}")

    def wecom_token(self) -> Any:
        if (request.args.get("corpid"), request.args.get("corpsecret")) != (CORP, SECRET):
            return jsonify(errcode=40001, errmsg="invalid credential")
        self.corp_token = secrets.token_hex(8)
        return jsonify(errcode=0, errmsg="ok", access_token=self.corp_token, expires_in=7200)

    def _wecom_refuses(self) -> Any | None:
        if request.args.get("access_token") != self.corp_token:
            return jsonify(errcode=40014, errmsg="invalid access_token")
        return None

    def wecom_person(self) -> Any:
        if (refused := self._wecom_refuses()) is not None:
            return refused
        found = self.codes.pop(request.args.get("code", ""), None)
        if found is None:
            return jsonify(errcode=40029, errmsg="invalid code")
        if "outside" in found["person"]:
            return jsonify(errcode=0, errmsg="ok", openid="oOutside")
        return jsonify(errcode=0, errmsg="ok", userid=found["person"]["id"])

    def wecom_member(self) -> Any:
        if (refused := self._wecom_refuses()) is not None:
            return refused
        person = {"name": self.person["name"], "biz_mail": self.person.get("email", "")}
        return jsonify(errcode=0, errmsg="ok", userid=request.args["userid"], **person)

    # 钉钉

    def dingtalk_login(self) -> Any:
        asked = request.args
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["scope"].split()[0] == "openid"
        return redirect(f"{asked['redirect_uri']}?authCode={self._code()}&state={asked['state']}")

    def dingtalk_token(self) -> Any:
        body = request.get_json()
        found = self.codes.pop(body.get("code", ""), None)
        known = (body.get("clientId"), body.get("clientSecret")) == (CLIENT, CLIENT_SECRET)
        if not known or found is None or body.get("grantType") != "authorization_code":
            wrong = {"code": "invalidParameter.authCode.notFound", "message": "authCode not found"}
            return jsonify(wrong), 400
        token = secrets.token_hex(8)
        self.tokens[token] = found["person"]
        return jsonify(accessToken=token, refreshToken="r", expireIn=7200, corpId=self.company)

    def dingtalk_person(self) -> Any:
        person = self.tokens.get(request.headers.get("x-acs-dingtalk-access-token", ""))
        if person is None:
            return jsonify(code="InvalidAuthentication", message="token"), 401
        told = {"nick": person["name"], "unionId": person["id"], "openId": f"o{person['id']}"}
        return jsonify({**told, "email": person.get("email", "")})

    # 飞书

    def feishu_login(self) -> Any:
        asked = request.args
        assert (asked["client_id"], asked["response_type"]) == (APP, "code")
        back = asked["redirect_uri"]
        return redirect(f"{back}?code={self._code(back=back)}&state={asked['state']}")

    def feishu_token(self) -> Any:
        body = request.get_json()
        found = self.codes.pop(body.get("code", ""), None)
        if (body.get("client_id"), body.get("client_secret")) != (APP, APP_SECRET):
            return jsonify(code=20002, error="invalid_client", error_description="secret"), 400
        if found is None or body.get("redirect_uri") != found["back"]:
            return jsonify(code=20003, error="invalid_grant", error_description="code"), 400
        token = secrets.token_hex(8)
        self.tokens[token] = found["person"]
        return jsonify(code=0, access_token=token, expires_in=7200, token_type="Bearer", scope="")

    def feishu_person(self) -> Any:
        person = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if person is None:
            return jsonify(code=99991668, msg="Invalid access token"), 401
        data = {"name": person["name"], "union_id": person["id"], "open_id": f"ou_{person['id']}"}
        data["enterprise_email"] = person.get("email", "")
        return jsonify(code=0, msg="success", data=data)

"""A small client: one connection kept open, little time of its own, signed in on either side."""

from __future__ import annotations

import html
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

SECONDS = 300
"""No answer takes longer, or the run ends."""


class Failed(RuntimeError):
    """An answer that is not what was measured for."""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Requests to one server on the loopback address, one after the other."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.headers = dict(headers or {})
        self._socket: socket.socket | None = None

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post_json(self, path: str, body: object) -> Answer:
        return self.ask("POST", path, json.dumps(body).encode(), "application/json")

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Answer:
        """Send a request; again when the server had closed the connection meanwhile."""
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        if kind:
            head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        raw = "\r\n".join((*head, "", "")).encode() + body
        for last in (False, True):
            try:
                return self._exchange(raw)
            except (ConnectionError, EOFError):
                self.close()
                if last:
                    raise
        raise AssertionError

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, raw: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(raw)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        status, headers = _head(received[:end])
        if "content-length" not in headers:
            raise Failed(f"an answer without a length ({status})")
        missing = int(headers["content-length"]) - (len(received) - end - 4)
        parts = [received[end + 4 :]]
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, b"".join(parts))

    def _more(self) -> bytes:
        assert self._socket is not None
        part = self._socket.recv(262_144)
        if not part:
            raise EOFError
        return part


def _head(raw: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = raw.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    cookies = []
    for line in lines:
        name, _colon, value = line.partition(":")
        headers[name.lower()] = value.strip()
        if name.lower() == "set-cookie":
            cookies.append(value.strip().partition(";")[0])
    if cookies:
        headers["set-cookie"] = "; ".join(cookies)
    return int(first.split(" ", 2)[1]), headers


def by_cookie(port: int, username: str, password: str) -> Client:
    """Signed in on the pages, as a browser is. Raises Failed."""
    client = Client(port, {"Accept": "text/html", "Accept-Language": "en"})
    form = client.get("/login/")
    client.headers["Cookie"] = form.headers.get("set-cookie", "")
    fields = {"username": username, "password": password}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)
    if token:
        fields["csrf_token"] = html.unescape(token[1])
    done = client.ask(
        "POST", "/login/", urlencode(fields).encode(), "application/x-www-form-urlencoded"
    )
    if done.status not in (302, 303) or "/login" in done.headers.get("location", ""):
        raise Failed(f"signing in on port {port}: {done.status} {done.text[:300]}")
    client.headers["Cookie"] = done.headers.get("set-cookie", client.headers["Cookie"])
    return client


def by_token(port: int, username: str, password: str) -> Client:
    """Signed in on the API, as a program is. Raises Failed."""
    client = Client(port, {"Accept": "application/json", "Accept-Language": "en"})
    body = {"username": username, "password": password, "provider": "db"}
    done = client.post_json("/api/v1/security/login", body)
    if done.status != 200:
        raise Failed(f"signing in on port {port}: {done.status} {done.text[:300]}")
    client.headers["Authorization"] = f"Bearer {json.loads(done.body)['access_token']}"
    return client

"""Asking at a door as the persona: every answer is searched for markers, and kept to be compared."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from werkzeug.exceptions import HTTPException

import jobs
from app.engine import registry
from app.engine.adapters.database import db, write_transaction
from app.engine.job import Job, JobLine
from app.engine.notices import Notification
from tests.matrix.world import World

MOST_HOPS = 3


class Enough(Exception):
    """What was to be asked at a door has been asked."""


Lines = tuple[str, ...]
Answer = tuple[str, Lines]
"""What was asked, and the lines of the answer."""


@dataclass
class Seen:
    """What has been asked so far, and what was wrong with the answers."""

    leaks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Endpoint and method → how often they answered other than by a refusal."""
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    visited: set[tuple[str, str, str]] = field(default_factory=set)
    """Persona, entity and door where something was asked."""
    combinations: int = 0
    """Answers × cells that each was searched for."""

    def add(self, other: Seen) -> None:
        self.leaks += other.leaks
        self.errors += other.errors
        self.opened += other.opened
        self.asked += other.asked
        self.visited |= other.visited
        self.combinations += other.combinations


class Asker:
    """A browser of the persona's, in their world."""

    def __init__(self, world: World, browser: Any, compared: bool = True) -> None:
        """`compared`: the answers are kept, to be compared with those of the other world."""
        self.world, self.compared = world, compared
        self.name = f"matrix_{'mine'}" if world.persona.signed_in else None
        self.browser = browser(self.name)
        self.left: int | None = None
        """So many questions may still be asked before one door; None: all."""
        self.given: set[str] = set()
        """Cells whose values were brought along in a file: what shows it again betrays nothing."""
        self.seen = Seen()
        self.answers: list[Answer] = []
        """What was asked, and the answer without what differs from one moment to the next."""

    def get(self, url: str, **more: Any) -> Any:
        return self.ask("GET", url, **more)

    def post(self, url: str, form: Any = None, **more: Any) -> Any:
        return self.ask("POST", url, data=form or {}, **more)

    def ask(
        self, method: str, url: str, same: bool = True, hops: int = MOST_HOPS, **more: Any
    ) -> Any:
        """The answer, with the page that it leads on to. `same`: it is to be so in both worlds.

        Raises Enough where nothing more is to be asked here.
        """
        if self.left is not None:
            if not self.left:
                raise Enough
            self.left -= 1
        answer = self.browser.open(url, method=method, **more)
        said = f"{method} {url} {more.get('query_string') or ''}".strip()
        text = text_of(answer)
        brought = repr((url, more.get("data"), more.get("json"), more.get("query_string")))
        self._note(method, url, answer.status_code)
        if answer.status_code >= 500:
            self.seen.errors.append(f"{said}: {answer.status_code}")
        self.look(said, text, same, brought)
        if answer.status_code in (302, 303) and hops:
            onward = answer.headers["Location"]
            if onward.startswith("/") and not onward.startswith("/login"):
                self.ask("GET", onward, same, hops - 1)
        return answer

    def look(self, said: str, text: str, same: bool = True, brought: str = "") -> None:
        """Search a text for what the persona may not see, and has not `brought` along."""
        self.seen.combinations += self.world.cells
        found = self.world.net.caught(text) - self.given
        for cell in sorted(found - self.world.net.caught(brought) if found else ()):
            self.seen.leaks.append(f"{self.world.persona.name}: {said}: {cell}")
        if same and self.compared:
            self.answers.append((said, settled(text)))

    def _note(self, method: str, url: str, status: int) -> None:
        adapter = current_app.url_map.bind("localhost")
        try:
            endpoint, _arguments = adapter.match(url.split("?")[0], method=method)
        except HTTPException:
            return
        self.seen.asked[endpoint, method] += 1
        if status < 400 and status != 302:
            self.seen.opened[endpoint, method] += 1

    # -- jobs --------------------------------------------------------------------------------

    def work(self) -> list[str]:
        """Let every job run that waits; then look at what they say and made. The jobs' ids."""
        done: list[str] = []
        for _round in range(4):
            with write_transaction() as session:
                session.execute(
                    update(Job).values(due_at=None),
                    execution_options={"synchronize_session": False},
                )
            waiting = list(
                db.session.scalars(
                    select(Job.id).where(Job.state == "waiting").order_by(Job.created_at, Job.id)
                )
            )
            for job_id in waiting:
                jobs.run_job(job_id)
                db.session.rollback()
                done.append(job_id)
            if not waiting:
                break
        for job_id in done:
            self._watch(db.session.get_one(Job, job_id, populate_existing=True))
        registry.refresh()
        return done

    def _watch(self, job: Job) -> None:
        if job.asked_by != self.world.me:
            return
        lines = db.session.scalars(select(JobLine).where(JobLine.job_id == job.id))
        kept = [job.title, job.result, job.message, *(line.message for line in lines)]
        told = select(Notification).where(Notification.user_id == self.world.me)
        kept += [(n.message, n.detail) for n in db.session.scalars(told)]
        self.look(f"what job {job.kind} keeps", repr(kept), same=False)
        here = f"/jobs/{job.id}"
        kind = job.kind
        for page in (here, f"{here}/status", f"/export/manifest/{job.id}"):
            self.get(page, same=False)
        answer = self.get(f"{here}/download", same=False)
        if answer.status_code == 200 and self.compared:
            self.answers.append((f"file of {kind}", settled(text_of(answer))))


def text_of(answer: Any) -> str:
    """All that an answer says: headers, words, and what is packed into a file."""
    heads = "\n".join(
        f"{name}: {value}"
        for name, value in answer.headers.items()
        if name in ("Location", "HX-Redirect", "HX-Trigger", "Content-Disposition", "ETag")
    )
    return f"{answer.status_code}\n{heads}\n{unpacked(answer.get_data())}"


def unpacked(data: bytes) -> str:
    """Words out of a file: of workbooks and archives what lies in them, of PDFs what is printed."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "\n".join(
                unpacked(archive.read(name))
                for name in sorted(archive.namelist())
                if name != "docProps/core.xml"
            )
    if data.startswith(b"%PDF"):
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError

        with contextlib.suppress(PyPdfError):  # a planted file only begins like one
            pages = PdfReader(io.BytesIO(data)).pages
            return "\n".join(page.extract_text() for page in pages).replace("\0", "")
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


_PASSING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "JOB"),
    (re.compile(r"20[2-9]\d-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|\+00:00)?"), "TIME"),
    (re.compile(r"<v>4\d{4}\.\d{4,}</v>"), "TIME"),  # of a workbook, in days
    (re.compile(r"\b\d{1,2}:\d\d(:\d\d)?([ \u202f]?[AP]M)?"), "CLOCK"),
    (re.compile(r"20[2-9]\d年\d+月\d+日|[A-Z][a-z]{2} \d+, 20[2-9]\d"), "DAY"),
    (re.compile(r"(nonce|csrf_token|csrf-token|value)=\"[\w.-]{20,}\""), "TOKEN"),
    (re.compile(r"content=\"[\w.-]{60,}\""), "TOKEN"),
    (re.compile(r"\"request_id\": ?\"\w+\"|error-id\">[^<]*<"), "REQUEST"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds?|minutes?|B|KB|bytes)\b"), "MUCH"),
    (re.compile(r"[0-9a-f]{64}|&#34;[0-9a-f]{8}&#34;"), "HASH"),
    (re.compile(r"change-\d+|history(/|%2F)\d+|\"since\" value=\"\d+\"|[?&]before=\d+"), "CHANGE"),
    (re.compile(r"P20\d{6}-\d{4}"), "SERIAL"),
    (re.compile(r"\d{8}-\d{4,6}"), "STAMP"),
    (re.compile(r'"size": ?\d+'), "SIZE"),
    (
        re.compile(r'"id": ?\d+,(?= ?"sha256")|(?<=type="hidden" value=")\d+(?="><p class="file-)'),
        "FILE",
    ),
    (re.compile(r"[ \u00a0]+"), ""),  # on paper they hang on how wide the neighbours are
)


def settled(text: str) -> Lines:
    """A text without what differs from one moment to the next, line by line."""
    return tuple(map(_settled, text.split("\n")))


@functools.lru_cache(maxsize=50_000)
def _settled(line: str) -> str:
    for pattern, word in _PASSING:
        line = pattern.sub(word, line)
    return line


def differences(one: list[Answer], other: list[Answer]) -> list[str]:
    """Where the same question was answered otherwise in the other world."""
    found = []
    one, other = ([(_settled(said), text) for said, text in pairs] for pairs in (one, other))
    if [said for said, _text in one] != [said for said, _text in other]:
        short = next(
            (pair for pair in zip(one, other, strict=False) if pair[0][0] != pair[1][0]),
            (one[-1:], other[-1:]),
        )
        return [f"asked otherwise: {short[0][0]} / {short[1][0]}"]
    for (said, lines), (_said, twins) in zip(one, other, strict=True):
        if lines != twins:
            text, twin = "\n".join(lines), "\n".join(twins)
            at = next(
                (n for n, (a, b) in enumerate(zip(text, twin, strict=False)) if a != b),
                min(len(text), len(twin)),
            )
            start = max(at - 60, 0)
            found.append(f"{said}: …{text[start : at + 60]!r} / …{twin[start : at + 60]!r}")
    return found

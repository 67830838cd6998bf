"""What the tests of jobs share: no queue is there, and kinds of jobs come from the test itself."""

from __future__ import annotations

from typing import Any

import pytest

import jobs
from app.engine import policy
from app.engine.adapters import queue
from tests import factories


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the queue was told; it is not there in these tests."""
    told: list[tuple[str, str]] = []

    def note(job_id: str, name: str, abandoned: bool = False) -> bool:
        told.append((job_id, name))
        return True

    monkeypatch.setattr(queue, "send", note)
    monkeypatch.setattr(queue, "send_again", note)
    monkeypatch.setattr(queue, "forget", lambda job_id: None)
    return told


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Kinds of jobs of these tests."""
    kinds: dict[str, Any] = {}
    monkeypatch.setattr(jobs, "kinds", lambda: kinds)
    return kinds


@pytest.fixture
def grades(app: Any) -> None:
    """A grade that parcels may have."""
    with policy.acting_as(factories.viewer("admin")):
        factories.make(
            "ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top"
        )

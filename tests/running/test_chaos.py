"""`make chaos` in short: what the kills leave is what plain Python expects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.run import chaos

pytestmark = pytest.mark.running


def test_a_few_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    server = os.environ.get("DATABASE_URL", "")
    verdict = chaos(tmp_path, kills=5, pause=0.6, seed=7, server=server, stable=200, rows=300)
    assert verdict.kills.total() == 5
    assert verdict.clean, verdict.as_text()

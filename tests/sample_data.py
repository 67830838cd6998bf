"""Real data beside the checkout, never committed: tests that need it skip with one reason where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import ROOT

FOLDERS = (ROOT.parent / "shared" / "data", ROOT.parent.parent / "shared" / "data")


def sample(name: str) -> Path:
    """Where the file is; where it would be, if it is not there."""
    places = [folder / name for folder in FOLDERS]
    return next((place for place in places if place.is_file()), places[0])


def needs(name: str) -> pytest.MarkDecorator:
    """Skip the test where the file is missing. `.ci/servers.py` knows the reason by its first words."""
    return pytest.mark.skipif(
        not sample(name).is_file(), reason=f"no sample data here: {name} is not in shared/data"
    )

"""Unfinished files of runs: gone with the run, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from app.engine.job import scratch

HOLDS_A_FOLDER = """
import time
from app.engine.job import scratch
with scratch.folder() as folder:
    (folder / "file").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_it_goes_with_the_run(tmp_path: Path) -> None:
    with scratch.folder() as folder:
        assert list(folder.iterdir()) == []
        assert scratch.sweep() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere age alone tells")
def test_what_a_killed_run_leaves_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_FOLDER], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert scratch.sweep() == 0
    assert (folder / "file").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert scratch.sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_knows_of_is_swept_once_it_is_old(tmp_path: Path) -> None:
    place = tmp_path / f"{scratch.PREFIX}x"
    place.mkdir()
    assert scratch.sweep() == 0
    long_ago = time.time() - 2 * 86_400
    os.utime(place, (long_ago, long_ago))
    assert scratch.sweep() == 1
    assert not place.exists()

"""Office files made into pages by LibreOffice, where it is installed: in a profile of its own, within limits.

It is found as `soffice` on the PATH. What it is asked for is one file at a time, in a folder that is
gone afterwards; macros, links to other places and active content are switched off in the profile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app.engine.contents.kinds import OFFICE

SECONDS = 120
MEMORY = 4 * 1024 * 1024 * 1024
OUTPUT = 500 * 1024 * 1024

_CHILD = Path(__file__).with_name("office_child.py")
_ITEM = (
    '<item oor:path="/org.openoffice.Office.{path}">'
    '<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
)
_SETTINGS = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Writer/Content/Update", "Link", "0"),
    ("Calc/Content/Update", "Link", "2"),
)


def program() -> str | None:
    """The office program, if one is installed."""
    return shutil.which("soffice")


@contextlib.contextmanager
def as_pdf(path: Path, media_type: str, folder: Path) -> Iterator[Path | None]:
    """The file as a PDF; None where it is none of an office, no program is there, or it fails with it."""
    office = program() if media_type in OFFICE else None
    if office is None:
        yield None
        return
    place = folder / "office"
    (place / "out").mkdir(parents=True)
    source = place / "file"  # what people called it says nothing here, and opens nothing
    shutil.copyfile(path, source)
    _write_profile(place / "profile")
    _run(office, place, source)
    made = place / "out" / "file.pdf"
    yield made if made.is_file() and made.stat().st_size else None
    shutil.rmtree(place, ignore_errors=True)


def _write_profile(profile: Path) -> None:
    (profile / "user").mkdir(parents=True)
    items = "".join(_ITEM.format(path=p, name=n, value=v) for p, n, v in _SETTINGS)
    (profile / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{items}</oor:items>\n'
    )


def _run(office: str, place: Path, source: Path) -> None:
    """Have it convert the file; it and whatever it starts are gone when this returns."""
    command = [
        office, f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless", "--norestore",
        "--nolockcheck", "--nodefault", "--nologo", "--convert-to", "pdf", "--outdir", str(place / "out"),
        str(source),
    ]  # fmt: skip
    limits = [str(number) for number in (os.getpid(), MEMORY, SECONDS, OUTPUT)]
    process = subprocess.Popen(
        [sys.executable, str(_CHILD), *limits, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

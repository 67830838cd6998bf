"""What comes from elsewhere is named exactly, cannot be exchanged on the way, and may be used so."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from config import ROOT

REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))

FREE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|Zlib|HPND|0BSD|OFL|"
    r"Public Domain|LGPL|Lesser General|CC0|ZPL|Zope|BlueOak",
    re.IGNORECASE,
)
"""Licences under which Steward can be used and given on unchanged; LGPL as it is a library that can be replaced."""


SAID_ELSEWHERE = {"node_modules/combine-errors": "MIT"}
"""Licences that stand in a package's Readme alone."""


def lines(path: Path) -> list[str]:
    read = path.read_text(encoding="utf-8").splitlines()
    return [line for line in read if line.strip() and not line.startswith(("#", "-r"))]


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned(path: Path) -> None:
    named = lines(path)
    assert named
    for line in named:
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?==[0-9][\w.]*", line), line


def test_every_front_end_package_is_pinned_with_its_hash() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    for kind in ("dependencies", "devDependencies"):
        for name, version in wanted[kind].items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} {version}"
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in locked.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            said = package.get("license") or SAID_ELSEWHERE.get(name, "")
            assert FREE.search(said), f"{name}: {said}"


def licence(name: str) -> str:
    about = metadata.metadata(name)
    said = [about.get("License-Expression") or "", (about.get("License") or "")[:100]]
    said += [one for one in about.get_all("Classifier", []) if one.startswith("License")]
    return " ".join(said)


def test_licences_fit() -> None:
    names = [re.split(r"[\[=]", line)[0] for line in lines(ROOT / "requirements.txt")]
    unfit = {name: said for name in names if not FREE.search(said := licence(name))}
    assert unfit == {}


# -- the audit of .ci/run -----------------------------------------------------------------------


@pytest.fixture
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(stdout: str, stderr: str = "") -> Any:
    return lambda command: subprocess.CompletedProcess(command, 1, stdout, stderr)


@pytest.mark.parametrize(
    ("stdout", "verdict"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "clean"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]}', "found"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "unknown"),
        ("", "unknown"),
    ],
)  # fmt: skip
def test_what_pip_audit_says(
    audit: Any, monkeypatch: Any, capsys: Any, stdout: str, verdict: str
) -> None:
    monkeypatch.setattr(audit, "_run", answering(stdout, "ConnectionError: no route"))
    assert audit.python_packages("python") == verdict
    assert ("NOT AUDITED" in capsys.readouterr().out) is (verdict == "unknown")


@pytest.mark.parametrize(
    ("stdout", "verdict"),
    [
        ('{"auditReportVersion": 2, "vulnerabilities": {}}', "clean"),
        ('{"vulnerabilities": {"x": {"severity": "high"}}}', "found"),
        ('{"message": "405 Method Not Allowed", "error": {}}', "unknown"),
        ("npm error", "unknown"),
    ],
)
def test_what_npm_says(
    audit: Any, monkeypatch: Any, capsys: Any, stdout: str, verdict: str
) -> None:
    monkeypatch.setattr(audit, "_run", answering(stdout))
    assert audit.front_end_packages() == verdict
    assert ("NOT AUDITED" in capsys.readouterr().out) is (verdict == "unknown")

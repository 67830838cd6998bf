"""Known vulnerabilities in what is installed: exit code 1 for any. Where nobody can be asked, that is said loudly.

pip-audit asks PyPI, `npm audit` the npm registry; mirrors inside a company often answer neither.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOUND, UNKNOWN, CLEAN = "found", "unknown", "clean"


def python_packages(auditor: str) -> str:
    """What pip-audit says of the packages of this environment."""
    packages = sysconfig.get_path("purelib")
    asked = _run([auditor, "-m", "pip_audit", "--path", packages, "--format", "json", "--progress-spinner", "off"])  # fmt: skip
    answer = _json(asked.stdout)
    if "dependencies" not in answer:
        return _unknown("Python packages", asked.stderr)
    found = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {one['fix_versions']}"
        for package in answer["dependencies"]
        for one in package.get("vulns", ())
    ]
    asked_about = [one for one in answer["dependencies"] if "vulns" in one]
    skipped = [str(one["skip_reason"]) for one in answer["dependencies"] if "skip_reason" in one]
    if skipped or not asked_about:
        _unknown(f"{len(skipped)} Python packages", "".join(skipped[:1]))
    if not asked_about:
        return UNKNOWN
    return _verdict(f"{len(asked_about)} Python packages", found)


def front_end_packages() -> str:
    """What the npm registry says of those in package-lock.json."""
    asked = _run(["npm", "audit", "--audit=true", "--json"])
    answer = _json(asked.stdout)
    if "vulnerabilities" not in answer:
        return _unknown("front-end packages", asked.stdout + asked.stderr)
    found = [f"{name}: {one['severity']}" for name, one in answer["vulnerabilities"].items()]
    return _verdict("front-end packages", found)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _json(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _verdict(what: str, found: list[str]) -> str:
    print(f"{what}: {len(found)} known vulnerabilities", *found, sep="\n  ")
    return FOUND if found else CLEAN


def _unknown(what: str, said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    print("!" * 72)
    print(f"!! NOT AUDITED: {what}. The vulnerability service did not answer:")
    print(f"!! {lines[-1][:200] if lines else 'no answer'}")
    print("!" * 72)
    return UNKNOWN


if __name__ == "__main__":
    verdicts = [
        python_packages(sys.argv[1] if len(sys.argv) > 1 else sys.executable),
        front_end_packages(),
    ]
    sys.exit(FOUND in verdicts)

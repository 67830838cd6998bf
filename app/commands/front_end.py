"""Puts the front-end files that pages use under `app/static/vendor/`, from the packages that npm installed.

Run as a script by `make`, before the application can be imported. `package.json` lists the files and the icons.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "app" / "static" / "vendor"
ICONS = PACKAGES / "@tabler" / "icons" / "icons"
SOURCE_MAP = re.compile(rb"\n?(/\*|//)# sourceMappingURL=[^\n]*")
OLDEST_NPM = 8  # the first to read a lock file of version 3
NODE_REQUIREMENTS = ROOT / "requirements-node.txt"


def main() -> int:
    """Install the packages of the lock file and copy what the pages need."""
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["steward"]
    install = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if subprocess.run(install, cwd=ROOT, check=False).returncode:
        print(
            "steward: the front-end files could not be fetched; see npm's words above.",
            file=sys.stderr,
        )
        return 1
    VENDOR.mkdir(parents=True, exist_ok=True)
    copy_files(wanted["vendor"])
    (VENDOR / "icons.svg").write_text(sprite(wanted["icons"]), encoding="utf-8")
    return 0


def npm() -> list[str]:
    """The machine's npm; where it has none, or a very old one, the one that comes as a Python package."""
    if shutil.which("npm") and shutil.which("node"):
        version = subprocess.run(["npm", "--version"], capture_output=True, text=True, check=False)
        major = version.stdout.partition(".")[0].strip()
        if major.isdigit() and int(major) >= OLDEST_NPM:
            return ["npm"]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "-r", str(NODE_REQUIREMENTS)]
    subprocess.run(install, check=True)
    return [str(Path(sys.executable).with_name("npm"))]


def copy_files(files: Iterable[tuple[str, str]]) -> None:
    """Copy each file under its new name, without the pointer to a source map that is not served."""
    for source, name in files:
        (VENDOR / name).write_bytes(SOURCE_MAP.sub(b"", (PACKAGES / source).read_bytes()))


def sprite(icons: Iterable[str]) -> str:
    """One SVG with a symbol for each icon; “filled/name” asks for the filled one."""
    symbols = []
    for icon in icons:
        path = ICONS / (f"{icon}.svg" if "/" in icon else f"outline/{icon}.svg")
        drawing = path.read_text(encoding="utf-8").partition(">")[2].rpartition("</svg>")[0]
        shapes = "".join(
            line.strip() for line in drawing.splitlines() if 'stroke="none"' not in line
        )
        symbols.append(
            f'<symbol id="{icon.replace("/", "-")}" viewBox="0 0 24 24">{shapes}</symbol>'
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "\n".join(symbols) + "</svg>\n"


if __name__ == "__main__":
    sys.exit(main())

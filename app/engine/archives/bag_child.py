"""Makes a bag of a folder, in a process of its own: `bagit` changes the working directory of all.

    python bag_child.py FOLDER TAGS INFO

FOLDER's files become the bag's `data/`. The files of TAGS are put beside it. INFO is a JSON file of what
`bag-info.txt` says. Ends with 0 when bagit itself finds the bag complete.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import bagit

_VERSION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""That of RFC 8493; bagit itself writes that of the draft before, which differs in nothing that we use."""


def _leads_out(_bag: bagit.Bag, path: str) -> bool:
    """The files of this bag are links, which lead out of it: bagit would find each unsafe."""
    return ".." in Path(path).parts or Path(path).is_absolute()


bagit.Bag._path_is_dangerous = _leads_out


def main(folder: Path, tags: Path, info: Path) -> None:
    """Make the bag and have bagit check that it is complete."""
    bagit.make_bag(str(folder), json.loads(info.read_text()), checksums=["sha256"])
    (folder / "bagit.txt").write_text(_VERSION)
    for file in sorted(tags.iterdir()):
        shutil.copyfile(file, folder / file.name)
    bag = bagit.Bag(str(folder))
    bag.save()
    bag.validate(completeness_only=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

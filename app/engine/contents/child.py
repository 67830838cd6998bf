"""Reads or draws one file in a process of its own and prints what it finds as lines of JSON.

Whatever a file makes a library do, endless loops and terabytes included, ends this process and not
the one that serves people. Run by its path, with one argument of JSON: `task` (text, show, draw),
`reader`, `path`, the limits `memory` (bytes), `seconds` (of work), `output` (bytes of one file), and
what the task needs. Lines: {"count"}, {"page"}, {"part"}, {"drawn"}, {"problem"}, {"end"}.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import types
from pathlib import Path
from typing import Any

_ENGINE = Path(__file__).resolve().parents[1]


def _without_the_application() -> None:
    """Let the readers be imported by their names while the packages around them stay unloaded."""
    for name, folder in (
        ("app", _ENGINE.parent),
        ("app.engine", _ENGINE),
        ("app.engine.adapters", _ENGINE / "adapters"),
        ("app.engine.contents", _ENGINE / "contents"),
    ):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def main(order: dict[str, Any]) -> None:
    """Do what the order says within its limits."""
    for kind, most in (
        (resource.RLIMIT_AS, order["memory"]),
        (resource.RLIMIT_CPU, order["seconds"]),
        (resource.RLIMIT_FSIZE, order["output"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    leash = importlib.import_module("app.engine.adapters.leash")
    leash.bind(order["parent"])
    output = importlib.import_module("app.engine.contents.readers.output")
    try:
        _do(order, output)
    except output.Full:
        output.say({"end": "full"})
    except output.Unreadable as error:
        output.say({"problem": error.code})
    except MemoryError:
        output.say({"problem": "too_large"})
    except RecursionError:
        output.say({"problem": "damaged"})
    else:
        output.say({"end": "all"})


def _do(order: dict[str, Any], output: Any) -> None:
    reader = importlib.import_module(f"app.engine.contents.readers.{order['reader']}")
    path, options = order["path"], order["options"]
    if order["task"] == "text":
        reader.read(path, output.Pages(order["characters"], order["pages"]), **options)
    elif order["task"] == "show":
        for part in reader.show(path, **options):
            output.say({"part": part})
    else:
        importlib.import_module("app.engine.contents.readers.drawing").draw_all(
            reader, path, options
        )


if __name__ == "__main__":
    sys.path[0] = ""
    _without_the_application()
    main(json.loads(sys.argv[1]))
    os._exit(0)  # what was said is said: libraries that clean up badly are not waited for

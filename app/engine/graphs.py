"""Graphs: what is declared of an entity whose records are links between records of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Graph:
    """Records that link two others of one entity; those show their surroundings as a graph.

    `one`, `other`: the references. `kind`: a choice that says what `other` is to `one`; `inverse`:
    by its value what `one` then is to `other`, as another value of it. `label`: what the graph is
    called on a record's page.
    """

    label: Any
    one: str
    other: str
    kind: str
    inverse: Mapping[str, str]

"""Graphs and trees: what is declared of records that link others, or lie below one another."""

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


@dataclass(frozen=True)
class Tree:
    """Records of an entity that lie below one another, each with how many others it counts.

    `parent`: the reference to the one above. `of`, `by`: the entity counted, and its reference here.
    """

    parent: str
    of: str
    by: str

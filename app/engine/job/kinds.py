"""Kinds of jobs: declared by the surface that asks for them, so that every process knows what may be done with one.

What a kind does stands in `jobs/`, under the same name: only workers load that.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Argument:
    """One thing that the form of a schedule asks for; with `choices` it offers those, as (value, label)."""

    name: str
    label: Any
    choices: Callable[[], Sequence[tuple[str, Any]]] | None = None
    required: bool = True
    hint: Any = None
    default: str = ""


@dataclass(frozen=True)
class Plan:
    """How an administrator may have a kind done by schedule.

    `arguments`: what the form asks for. `prepare` turns the answers, as text by name, into the job's
    arguments, with the rights of whoever is signed in; raises InvalidInput naming the argument.
    `title`: what people see each job called.
    """

    title: Callable[[Values], Any]
    arguments: Sequence[Argument] = ()
    prepare: Callable[[Mapping[str, str]], Values] = dict


@dataclass(frozen=True)
class JobKind:
    """What is so for every job of a kind."""

    name: str
    label: Any
    queue: str = "default"
    limit: datetime.timedelta = datetime.timedelta(hours=6)
    """So long a run may take; then it is stopped, and the job fails."""
    attempts: int = 5
    """How often a run is begun without getting further than the one before."""
    repeatable: bool = False
    """Whether a job that is over can be asked for once more, with the same arguments."""
    notifies: bool = True
    """Whether its asker is told at the end."""
    notifies_done: bool = True
    """Whether they are told of a good end too."""
    plan: Plan | None = None
    """With it, the kind can be done by schedule."""


_declared: dict[str, JobKind] = {}


def declare(kind: JobKind) -> JobKind:
    """Make a kind known. Declared again it is replaced, as when an application is made twice."""
    _declared[kind.name] = kind
    return kind


def kind_of(name: str) -> JobKind:
    """The kind of that name; for one that this version does not know, one with the usual limits."""
    return _declared.get(name) or JobKind(name, name)


def declared() -> Sequence[JobKind]:
    """Every kind, in the order of declaration."""
    return tuple(_declared.values())

"""What came of it, counted: changed, left as it was, refused and why, changed by others meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.errors import StewardError
from app.engine.messages import freeze_error, thaw
from app.engine.registry import EntityDefinition

LISTED = 100
"""So many refusals are kept by name; all are counted."""


@dataclass
class Tally:
    """Counts of records, and the first of those refused with the reason."""

    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    skipped: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, definition: EntityDefinition, record: Any, error: StewardError) -> None:
        self.refused += 1
        if len(self.reasons) < LISTED:
            self.reasons.append(
                {
                    "id": record.id,
                    "name": policy.record_name(definition, record),
                    "why": freeze_error(error),
                }
            )

    def add(self, other: Tally) -> None:
        """Count a further batch."""
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.skipped += other.skipped
        self.reasons += other.reasons[: LISTED - len(self.reasons)]

    @property
    def total(self) -> int:
        return self.changed + self.unchanged + self.refused + self.skipped

    def as_json(self) -> dict[str, Any]:
        return {
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "skipped": self.skipped,
            "reasons": self.reasons,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Tally:
        return cls(
            given["changed"],
            given["unchanged"],
            given["refused"],
            given["skipped"],
            list(given["reasons"]),
        )


def said(tally: Tally) -> str:
    """In a sentence: “120 changed, 3 unchanged, 2 refused: …”."""
    parts = [ngettext("%(num)s record changed", "%(num)s records changed", tally.changed)]
    if tally.unchanged:
        parts.append(gettext("%(count)s already so", count=tally.unchanged))
    if tally.skipped:
        parts.append(gettext("%(count)s left alone, changed meanwhile", count=tally.skipped))
    if tally.refused:
        parts.append(gettext("%(count)s refused", count=tally.refused))
    words = str(gettext(", ")).join(parts)
    whys = list(dict.fromkeys(thaw(reason["why"]) for reason in tally.reasons))[:2]
    if whys:
        return str(gettext("%(what)s: %(why)s", what=words, why=" ".join(whys)))
    return str(gettext("%(what)s.", what=words))


def frozen_words(tally: Tally) -> Any:
    """The counts for a job's log, to be read in any language."""
    return _(
        "%(changed)s changed, %(unchanged)s already so, %(refused)s refused, "
        "%(skipped)s left alone since they were changed meanwhile.",
        changed=tally.changed,
        unchanged=tally.unchanged,
        refused=tally.refused,
        skipped=tally.skipped,
    )

"""The audit log: who did, saw or tried what, when and from where; append-only and hash-chained.

One call writes it, from anywhere:

    audit.record(kind, *, entity=None, record_id=None, person_id=None, details=None, who=None,
                 user_id=None, apart=False)

`kind` is a declared one (`audit.declare("field.changed", _("Fields changed"), audit.SETTINGS)`);
an unknown one raises. `entity` and `record_id` say which record, `person_id` whose account it is
about, `details` what else matters: JSON of text, whole numbers, truth and lists, never a password,
a token or a personal value. `who` is the name that was tried where nobody is signed in, `user_id` whose
it proved to be. The person, the address, the door, the request's id and the moment are filled in.

When it is written:

* inside a writing transaction, with it: what is rolled back has not happened, and has no entry;
* with `apart=True`, or outside a writing transaction, at the end of the request in a transaction of
  its own, whatever became of the request, and before its answer leaves: a refused sign-in or a denied
  page has its entry, and no page of personal data is shown whose entry could not be written;
* outside a request and a transaction, at once.

What was refused and could be tried a thousand times a second goes through `refused`, which leaves
most of it out and says how much.

Values that a person reads through `app.engine.query` are noted there (`note_view`) and become one
entry for each entity and request, so that no surface can forget it.

How the chain holds, with several processes writing at once: an entry is inserted without a place in
the chain, so that a save waits for no other. Each few seconds *sealing* takes those that are
committed, in the order of their ids, gives each the next position and the SHA-256 of its content
together with the hash before it. Sealers take turns by a lock of the database, and a position is
unique. So:

* a crash or a rollback, of a writer or of a sealer, leaves no gap: positions are given only to what
  is committed, and in the same transaction as the hashes;
* ids may have gaps and an entry of a long transaction comes later than its id says: the chain's
  order is that of sealing, and each entry says its own moment;
* what the chain cannot show is a change made to an entry in the seconds before it was sealed; the
  triggers stand against that, and `verify` names entries that stayed unsealed for long.

Triggers refuse every UPDATE but the sealing and every DELETE but of what a checkpoint of the
retention purge lets go. Whoever owns the database can switch triggers off, and can then compute the
whole chain anew: that shows because its *head* is written outside the database, see `heads`.
`verify` needs nothing but Python: it is a program of its own as well.
"""

from app.engine.audit.kinds import (
    ACCESS,
    ACCOUNTS,
    DATA,
    LOG,
    RIGHTS,
    SETTINGS,
    SIGN_IN,
    Kind,
    declare,
    declared,
    kind_of,
)
from app.engine.audit.models import AuditCheckpoint, AuditEntry
from app.engine.audit.recording import at_door, init, note_view, record, record_many
from app.engine.audit.refusals import MOST, Throttle, refused
from app.engine.audit.sealing import seal

__all__ = [
    "ACCESS",
    "ACCOUNTS",
    "DATA",
    "LOG",
    "MOST",
    "RIGHTS",
    "SETTINGS",
    "SIGN_IN",
    "AuditCheckpoint",
    "AuditEntry",
    "Kind",
    "Throttle",
    "at_door",
    "declare",
    "declared",
    "init",
    "kind_of",
    "note_view",
    "record",
    "record_many",
    "refused",
    "seal",
]  # fmt: skip

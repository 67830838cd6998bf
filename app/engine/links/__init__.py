"""Links for people without an account: each good once and for a while, answered on a plain page.

    RATING = Purpose("rating", _("How was it?"), "Parcel", items=questions, act=store)
    link = links.make(changes.session, "rating", parcel.id, "zh")
    links.mail(changes.session, link, Recipient("Person", person.id, "email"), _("Your parcel"), [_("…")])

The link is made, and the mail asked for, in the transaction that gives cause for them. Opening the page
changes nothing, whoever opens it; sending the form acts once, in a change set of its own.
"""

from app.engine.links.items import Item, given_values
from app.engine.links.making import PATH, Recipient, address, mail, make, path, remove_old, revoke
from app.engine.links.models import PublicLink
from app.engine.links.purposes import Purpose, declare, declared, purpose_of
from app.engine.links.using import BY_LINK, LinkOver, answer, find, opened

__all__ = [
    "BY_LINK",
    "PATH",
    "Item",
    "LinkOver",
    "PublicLink",
    "Purpose",
    "Recipient",
    "address",
    "answer",
    "declare",
    "declared",
    "find",
    "given_values",
    "mail",
    "make",
    "opened",
    "path",
    "purpose_of",
    "remove_old",
    "revoke",
]

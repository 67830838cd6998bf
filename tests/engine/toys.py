"""Toy entities: the engine is tested on these, so that no business word creeps into it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine.agenda import Agenda
from app.engine.areas import Area
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.fields import (
    Boolean,
    Choice,
    Date,
    DateTime,
    Decimal,
    Email,
    File,
    Integer,
    LongText,
    Money,
    Owner,
    Phone,
    Reference,
    Serial,
    Tags,
    Text,
    Url,
)
from app.engine.states import Move

Area("toys", _("Toys"))


class Colour(Choices):
    RED = "red", _("Red"), "red"
    BLUE = "blue", _("Blue"), "blue"


class Stage(Choices):
    PACKED = "packed", _("Packed"), "blue"
    SENT = "sent", _("Sent"), "yellow"
    GIVEN = "given", _("Given"), "green"
    LOST = "lost", _("Lost"), "red"


STEPS = (
    Move("send", _("Send"), ("packed",), "sent", icon="send"),
    Move("give", _("Give"), ("sent",), "given", asks=("notes",)),
    Move(
        "lose",
        _("Lose"),
        ("packed", "sent"),
        "lost",
        when=lambda values: _("What is fragile is never lost.") if values.get("fragile") else None,
    ),
    Move("return", _("Return"), ("given", "lost"), "packed", right="approve"),
)


class Shelf(Entity, area="toys", label=_("Shelf"), plural=_("Shelves"), title="name", pool=True):
    """A new entity declared in a few lines: everything else follows."""

    name = Text(_("Name"), required=True, search=True, pinyin=True, index=True)
    colour = Choice(_("Colour"), Colour)
    keeper = Owner(_("Keeper"))


class Parcel(
    Entity,
    area="toys",
    label=_("Parcel"),
    plural=_("Parcels"),
    title="name",
    key="code",
    review=True,
    duplicates=("name", "phone"),
    scope_through="shelf",
    archivable=True,
):
    """One field of every type."""

    number = Serial(_("Number"), pattern="P{date:%Y%m%d}-{n:04}")
    name = Text(_("Name"), required=True, search=True, pinyin=True, index=True)
    code = Text(_("Code"), unique=True, search=True, code=True, synonyms=("sku", "货号"))
    shelf = Reference("Shelf", _("Shelf"), on_delete="cascade")
    pieces = Integer(_("Pieces"))
    weight = Decimal(_("Weight"), scale=3)
    price = Money(_("Price"))
    arrived_on = Date(_("Arrived on"))
    opened_at = DateTime(_("Opened at"))
    fragile = Boolean(_("Fragile"))
    colour = Choice(_("Colour"), Colour)
    grade = Choice(_("Grade"), "toy_grade")
    tags = Tags(_("Tags"), search=True)
    email = Email(_("E-mail"), search=True)
    phone = Phone(_("Phone"), search=True)
    website = Url(_("Web address"))
    keeper = Owner(_("Keeper"))
    notes = LongText(_("Notes"), search=True)
    manual = File(_("Manual"))

    charts = (Chart("colours", _("Colour"), "colour"),)
    agenda = (
        Agenda("arrivals", _("Parcels to unpack"), due="arrived_on", owner="keeper",
               open="fragile:eq:1", shows="shelf"),
        Agenda("opened", _("Parcels to look at again"), due="opened_at", owner="keeper",
               open=("colour:eq:blue",), after=30, undated=_("never opened")),
    )  # fmt: skip


class Leaf(
    Entity,
    area="toys",
    label=_("Leaf"),
    plural=_("Leaves"),
    title="name",
    parent="shelf",
    scope_through="shelf",
):
    """What is filed under something, called as the file was."""

    name = Text(_("Name"), required=True, max_length=255, search=True)
    shelf = Reference("Shelf", _("Shelf"), on_delete="cascade")
    content = File(_("File"), required=True, named="name", search=True)
    scan = File(_("Scan"), allowed=("pdf", "image"), strict=True)


class Crate(Entity, area="toys", label=_("Crate"), plural=_("Crates"), title="name"):
    """What goes by steps from one state to another."""

    name = Text(_("Name"), required=True, unique=True, search=True)
    stage = Choice(
        _("Stage"), Stage, default=Stage.PACKED, moves=STEPS, begins=(Stage.PACKED, Stage.SENT)
    )
    fragile = Boolean(_("Fragile"))
    shelf_colour = Choice(_("Colour of its shelf"), "Shelf.colour")
    notes = LongText(_("Notes"))


class Deed(Entity, area="toys", label=_("Deed"), plural=_("Deeds"), title="name", registered=True):
    """What is written in the register with each act on it."""

    name = Text(_("Name"), required=True, search=True)
    signed_on = Date(_("Signed on"))
    parcel = Reference("Parcel", _("Parcel"), on_delete="cascade")

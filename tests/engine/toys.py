"""Toy entities: the engine is tested on these, so that no business word creeps into it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

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

Area("toys", _("Toys"))


class Colour(Choices):
    RED = "red", _("Red"), "red"
    BLUE = "blue", _("Blue"), "blue"


class Shelf(Entity, area="toys", label=_("Shelf"), plural=_("Shelves"), title="name"):
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

    charts = (Chart("colours", _("Colour"), "colour"),)

"""The contact: a person at a customer."""

from __future__ import annotations

import datetime
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.customers.customer import Customer
from app.engine import registry
from app.engine.entity import Entity
from app.engine.errors import ValueProblem
from app.engine.events import on
from app.engine.fields import Boolean, Choice, Date, Email, LongText, Phone, Reference, Text
from app.engine.rules import Saving, rule

PERSON = _("Person")
REACH = _("Ways to reach")
MORE = _("Notes")
CHINA = datetime.timezone(datetime.timedelta(hours=8))


def birthday(value: datetime.date) -> datetime.date:
    """A day on which somebody alive may have been born. Raises ValueProblem."""
    today = datetime.datetime.now(CHINA).date()
    if not datetime.date(1900, 1, 1) <= value <= today:
        raise ValueProblem(_("A birthday lies between 1900 and today."))
    return value


class Contact(
    Entity,
    area="customers",
    label=_("Contact"),
    plural=_("Contacts"),
    icon="address-book",
    title="name",
    duplicates=("name", "phone", "email"),
    scope_through="customer",
    parent="customer",
    about_person=True,
):
    """A person to talk to at a customer; one of them is the primary one."""

    customer = Reference(
        "Customer",
        _("Customer"),
        required=True,
        group=PERSON,
        in_list=True,
        on_delete="cascade",
        synonyms=("所属客户", "公司", "公司名称", "单位", "company"),
    )
    name = Text(
        _("Full name"),
        required=True,
        max_length=100,
        search=True,
        pinyin=True,
        index=True,
        group=PERSON,
        in_list=True,
        synonyms=("联系人", "联系人姓名", "名称", "name", "contact"),
    )
    job_title = Text(
        _("Job title"),
        max_length=100,
        search=True,
        group=PERSON,
        in_list=True,
        synonyms=("职位", "岗位", "title", "position"),
    )
    department = Text(
        _("Department"),
        max_length=100,
        search=True,
        group=PERSON,
        synonyms=("所在部门",),
    )
    is_primary = Boolean(
        _("Primary contact"),
        default=False,
        index=False,
        group=PERSON,
        in_list=True,
        hint=_(
            "The first one to turn to. Each customer has one; a new one takes the place of "
            "the old one."
        ),
        synonyms=("首要联系人", "主联系人", "primary"),
    )
    birthday = Date(
        _("Birthday"),
        personal=True,
        sensitive=True,
        check=birthday,
        index=False,
        group=PERSON,
        synonyms=("出生日期", "date of birth"),
    )

    phone = Phone(
        _("Phone"),
        sensitive=True,
        search=True,
        index=True,
        group=REACH,
        in_list=True,
        synonyms=("手机", "手机号", "手机号码", "联系电话", "电话号码", "mobile", "telephone"),
    )
    email = Email(
        _("E-mail"),
        sensitive=True,
        search=True,
        group=REACH,
        in_list=True,
        synonyms=("电子邮箱", "电子邮件", "邮箱", "email", "mail"),
    )
    wechat = Text(
        _("WeChat ID"),
        max_length=60,
        code=True,
        sensitive=True,
        search=True,
        personal=True,
        group=REACH,
        synonyms=("微信", "wechat"),
    )
    preferred_channel = Choice(
        _("Preferred channel"),
        "channel",
        index=False,
        group=REACH,
        synonyms=("偏好渠道", "联系方式偏好", "channel"),
    )
    preferred_time = Text(
        _("Preferred time"),
        max_length=100,
        group=REACH,
        hint=_("When they like to be reached, such as workdays after 14:00."),
        synonyms=("方便时间", "联系时间"),
    )

    notes = LongText(
        _("Notes"),
        search=True,
        group=MORE,
        synonyms=("备注信息", "说明", "remark", "remarks", "comment"),
    )

    @rule
    def first_is_primary(saving: Saving) -> None:  # noqa: N805
        """A customer's first contact is the primary one, without being told."""
        customer_id = saving.values["customer"]
        if saving.new and _is_first(saving.changes, customer_id):
            saving.values["is_primary"] = True


_begun: WeakKeyDictionary[Any, set[int]] = WeakKeyDictionary()
"""Customers that an open change set knows to have contacts, so that a file of them asks once each."""


def _is_first(changes: Any, customer_id: int) -> bool:
    begun = _begun.setdefault(changes, set())
    if customer_id in begun:
        return False
    begun.add(customer_id)
    _hold(changes, customer_id)
    statement = select(Contact.id).where(Contact.customer_id == customer_id).limit(1)
    return changes.session.scalar(statement) is None


def _hold(changes: Any, customer_id: int) -> None:
    """Two people who choose a customer's primary contact at once wait for each other."""
    changes.session.scalar(select(Customer.id).where(Customer.id == customer_id).with_for_update())


@on("Contact", "created")
@on("Contact", "updated")
def take_the_place(changes: Any, contact: Any) -> None:
    """A contact that becomes the primary one takes the place of the one before."""
    if contact.is_primary:
        _hold(changes, contact.customer_id)
        for other in _other_primaries(changes, contact):
            _unset(changes, other)


@on("Contact", "moved")
@on("Contact", "restored")
def give_way(changes: Any, contact: Any) -> None:
    """A contact out of the trash, or of a merged customer, leaves the place to the one that has it."""
    if contact.is_primary and _other_primaries(changes, contact):
        _unset(changes, contact)


def _other_primaries(changes: Any, contact: Any) -> list[Any]:
    flag = registry.current().entity("Contact").fields["is_primary"].expression(Contact)
    statement = select(Contact).where(
        Contact.customer_id == contact.customer_id,
        flag.is_(True),
        Contact.id != contact.id,
    )
    return list(changes.session.scalars(statement))


def _unset(changes: Any, contact: Any) -> None:
    changes.update(registry.current().entity("Contact"), contact.id, {"is_primary": False})

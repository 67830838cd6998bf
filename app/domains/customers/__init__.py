"""Customers, the people to talk to there, what was talked about and what was bought.

The file that every other area refers to.
"""

from app.domains.customers import industries
from app.domains.customers.consent import Consent
from app.domains.customers.contact import Contact
from app.domains.customers.customer import Customer
from app.domains.customers.interaction import Interaction
from app.domains.customers.order import Order
from app.domains.customers.plan import PlanRule
from app.domains.customers.relation import CustomerRelation

__all__ = [
    "Consent",
    "Contact",
    "Customer",
    "CustomerRelation",
    "Interaction",
    "Order",
    "PlanRule",
    "industries",
]

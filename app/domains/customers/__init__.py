"""Customers and the people to talk to there: the file that every other area refers to."""

from app.domains.customers import industries
from app.domains.customers.contact import Contact
from app.domains.customers.customer import Customer

__all__ = ["Contact", "Customer", "industries"]

"""Tickets: what customers ask, complain of and report, from the first contact to their own confirmation.

States and times of a ticket in `ticket`, the rules that say by when in `levels`, how its clocks run
in `clocks`, what is written to and fro in `message`, the customer's own word in `confirmation`.
"""

from app.domains.tickets import confirmation
from app.domains.tickets.levels import PriorityRule, QueueLead, ServiceLevel
from app.domains.tickets.message import TicketMessage
from app.domains.tickets.ticket import Ticket

__all__ = [
    "PriorityRule",
    "QueueLead",
    "ServiceLevel",
    "Ticket",
    "TicketMessage",
    "confirmation",
]

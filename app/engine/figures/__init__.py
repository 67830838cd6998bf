"""Figures in sets: what an area works out for each of many records, by the database, in one statement.

    orders = figures.Source("Order")
    statement = select(…).where(orders.live, orders["ordered_on"] <= day)
    figures.fill(changes, "Evaluation", run_id, columns, statement)

`Source` names columns by fields; `days_between`, `ratio`, `fifth` are the same on both databases.
The statements see every row, whoever asked: the result belongs to the whole, and who may see which
row of it is decided when it is read.
"""

from app.engine.figures.sets import assign, drop, fill, keep, looked_up, newest
from app.engine.figures.source import Source
from app.engine.figures.sql import days_between, divided, fifth, lower, months_before, ratio, whole

__all__ = [
    "Source",
    "assign",
    "days_between",
    "divided",
    "drop",
    "fifth",
    "fill",
    "keep",
    "looked_up",
    "lower",
    "months_before",
    "newest",
    "ratio",
    "whole",
]

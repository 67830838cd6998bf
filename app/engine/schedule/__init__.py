"""Schedules: kinds of jobs that are asked for by themselves, on certain days at a certain time.

A schedule is a row with the moment at which it is next due. Whoever finds it due notes that moment
as a run of the schedule, asks for the job and moves the schedule on, in one transaction: the pair
(schedule, moment) is unique, so that of any number of schedulers one does it, once.
"""

from app.engine.schedule.models import Schedule, ScheduleRun
from app.engine.schedule.rules import DAILY, EVERY, MONTHLY, WEEKLY, Rule
from app.engine.schedule.running import run_due, run_now, settle

__all__ = [
    "DAILY", "EVERY", "MONTHLY", "WEEKLY", "Rule", "Schedule", "ScheduleRun", "run_due", "run_now",
    "settle",
]  # fmt: skip

"""Chaos: processes killed, the queue wiped and connections cut at random under a mixed load, and what is left of it."""

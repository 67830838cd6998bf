"""Readers of files that strangers made: each runs in a process of its own, see `contents/child.py`.

Nothing here imports the application: a process that reads one file starts within a few hundredths
of a second, and holds neither keys nor a connection.
"""

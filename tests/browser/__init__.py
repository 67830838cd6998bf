"""Steward in a real browser: headless Chromium against `run.py`, as one starts it."""

"""Steward beside a stock Flask-AppBuilder application: the same rows, served the same way."""

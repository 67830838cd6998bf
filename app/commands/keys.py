"""Whether the keys that were given open what the database holds, found out before anything starts."""

from __future__ import annotations

from sqlalchemy import create_engine, delete, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.engine.adapters.setup_state import setup_state
from app.engine.adapters.vault import Vault
from config import Settings, SettingsError

NOTED = "encryption.keys"
"""Under this name stand the names of the keys by which anything may be encrypted."""


def fit(settings: Settings) -> None:
    """Raises `SettingsError` when a key is missing; notes the first one before it encrypts anything.

    A database without tables holds nothing yet.
    """
    given = Vault(settings.encryption_keys).names
    engine = create_engine(settings.database_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            statement = select(setup_state.c.value).where(setup_state.c.name == NOTED)
            noted = (connection.scalar(statement) or "").split()
            _refuse_missing([name for name in noted if name not in given])
            if given and given[0] not in noted:
                connection.execute(delete(setup_state).where(setup_state.c.name == NOTED))
                value = " ".join([*noted, given[0]])
                connection.execute(insert(setup_state).values(name=NOTED, value=value))
    except DBAPIError:
        return  # no such table: a new database


def _refuse_missing(names: list[str]) -> None:
    if names:
        raise SettingsError(
            "ENCRYPTION_KEYS: the database holds values encrypted with a key that is missing or "
            f"differs (its name is {names[0]}). Give it as before, behind a new one if there is one."
        )

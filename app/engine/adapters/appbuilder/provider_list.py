"""Every provider that Steward knows how to ask, in the order of the sign-in page."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.engine.adapters.appbuilder import directory
from app.engine.adapters.appbuilder.openid import OpenId
from app.engine.adapters.appbuilder.providers import DingTalk, Feishu, Provider, WeCom
from app.engine.adapters.appbuilder.saml import Saml
from config import Settings

PROVIDERS: tuple[type[Provider], ...] = (WeCom, DingTalk, Feishu, OpenId, Saml)


def providers() -> list[Provider]:
    """Those that are set up."""
    settings: Settings = current_app.config["STEWARD"]
    return [provider for kind in PROVIDERS if (provider := kind(settings)).is_set_up]


def label_of(key: str) -> Any:
    """What people call whoever vouches for a link, though it may not be set up any more."""
    settings: Settings = current_app.config["STEWARD"]
    labels = {kind.key: kind(settings).label for kind in PROVIDERS}
    return {**labels, directory.KEY: directory.LABEL}.get(key, key)


def provider_of(key: str) -> Provider | None:
    """The one of that name, when it is set up."""
    return next((provider for provider in providers() if provider.key == key), None)

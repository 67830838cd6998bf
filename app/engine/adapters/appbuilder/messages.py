"""Messages of Flask-AppBuilder, Flask-JWT and WTForms that can reach a person, listed so that our catalogs hold them.

Only our catalogs are loaded (see `adapters/i18n.py`): a message that is missing here would stay English.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _

APPBUILDER = (
    _("Access is Denied"),
    _("Invalid login. Please try again."),
    _("Sign In"),
    _("Added Row"),
    _("Changed Row"),
    _("Deleted Row"),
)
"""From flask_appbuilder.const, .security.views and .messages."""

"""What a SAML provider asks Steward at: where it posts its answers to, and what it is told of Steward."""

from __future__ import annotations

import logging

from flask import current_app, make_response, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder import accounts, attempts
from app.engine.adapters.appbuilder.attempts import TooManyAttempts
from app.engine.adapters.appbuilder.providers import SignInRefused
from app.engine.adapters.appbuilder.saml import NOT_TRUSTED, REFUSED, Saml
from app.engine.adapters.appbuilder.saml_parties import NotConfirmed, NotTrusted
from app.engine.errors import NotFound
from config import SAML_ACS

log = logging.getLogger(__name__)


class SamlView(BaseView):
    """/providers/saml/…"""

    route_base = SAML_ACS.rpartition("/")[0]
    default_view = "metadata"

    @expose("/metadata")
    def metadata(self) -> Response:
        """What Steward is called, where it is answered, and its certificate: nothing secret."""
        answer = make_response(_known().metadata())
        answer.mimetype = "application/samlmetadata+xml"
        return answer

    @expose("/acs", methods=["POST"])
    def acs(self) -> Response:
        """The provider's answer, brought by the browser from another site, so without its cookie.

        Nobody is signed in here: whoever brought it goes on, by GET, to where the sign-in was begun.
        """
        provider = _known()
        state = request.form.get("RelayState", "")
        keys: tuple[str, ...] = ()
        try:
            address = {"address": attempts.key("address", request.remote_addr or "")}
            keys = attempts.count(address, provider.key)
            code = provider.answered(request.form.get("SAMLResponse", ""), state)
            attempts.succeeded(keys)
        except TooManyAttempts:
            code = REFUSED  # the page it leads to is closed, too, and says for how long
        except (NotTrusted, NotConfirmed, SignInRefused) as error:
            code = REFUSED if isinstance(error, NotConfirmed) else NOT_TRUSTED
            log.warning("saml: an answer was refused: %r", str(error)[:300])
            accounts.note_failure(None, provider.key)
        onwards = url_for("ProvidersView.back", key=provider.key, code=code, state=state[:200])
        return redirect(onwards, 303)


def _known() -> Saml:
    provider = Saml(current_app.config["STEWARD"])
    if not provider.is_set_up:
        raise NotFound(gettext("This way to sign in is not set up."))
    return provider

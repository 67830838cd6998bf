"""Pages of signing in by a provider: going there, coming back, linking and unlinking one's account.

Linking ends with a question in a form of ours: else somebody could bring another's browser to link
an account at the provider that is not theirs.
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import current_app, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine.adapters import web
from app.engine.adapters.appbuilder import accounts, attempts, linked_accounts, second_step
from app.engine.adapters.appbuilder.attempts import TooManyAttempts
from app.engine.adapters.appbuilder.provider_list import label_of, provider_of, providers
from app.engine.adapters.appbuilder.providers import Identity, Provider, SignInRefused
from app.engine.adapters.database import now
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StewardError
from config import Settings

UNDER_WAY, TO_LINK = "provider_sign_in", "provider_link"
"""In the session: the sign-in that was begun, and whom the provider vouched for to be linked."""

LONGEST_CODE = 4000


class ProvidersView(BaseView):
    """/providers/…"""

    route_base = "/providers"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        """One's own links."""
        me = _me()
        links = linked_accounts.links_of(me.id)
        set_up = [provider.key for provider in providers()]
        keys = [*set_up, *(key for key in links if key not in set_up)]
        rows = [(key, label_of(key), links.get(key), key in set_up) for key in keys]
        return render_template("security/linked_accounts.html", rows=rows)

    @expose("/<key>/go")
    def go(self, key: str) -> Response:
        """To the provider; back comes who it is. Signed in already: to link the account."""
        provider = _known(key)
        state = linked_accounts.new_state()
        session[UNDER_WAY] = {
            "state": state,
            "provider": key,
            "user": current_user.id if current_user.is_authenticated else None,
            "until": int((now() + linked_accounts.STATE_LASTS).timestamp()),
            "next": web.safe_next(),
        }
        try:
            return redirect(provider.address(_back(key), state))
        except SignInRefused as error:
            return _refused(error, session.pop(UNDER_WAY)["user"])

    @expose("/<key>/back")
    def back(self, key: str) -> Response:
        """From the provider, with a code."""
        provider = _known(key)
        signed_in = current_user.id if current_user.is_authenticated else None
        keys: tuple[str, ...] = ()
        try:
            keys = attempts.count(
                {"address": attempts.key("address", request.remote_addr or "")}, key
            )
            begun = _begun(key, signed_in)
            identity = self._identity(provider, begun["state"])
            if signed_in is not None:
                attempts.succeeded(keys)
                session[TO_LINK] = _kept(identity, signed_in, begun["until"])
                return redirect(url_for("ProvidersView.link", key=key))
            user = linked_accounts.person_for(identity)
        except (SignInRefused, TooManyAttempts) as error:
            if getattr(error, "noted", False):
                attempts.succeeded(keys)  # it was counted where it was noted
            elif keys and signed_in is None:
                accounts.note_failure(None, key)
            return _refused(error, signed_in)
        attempts.succeeded(keys)
        current_app.appbuilder.sm.update_user_auth_stat(user, True)  # type: ignore[attr-defined]
        return second_step.entered(user, begun["next"])

    def _identity(self, provider: Provider, state: str) -> Identity:
        code = request.args.get(provider.code_name) or request.args.get("code") or ""
        if not code or len(code) > LONGEST_CODE:
            raise SignInRefused(
                gettext("%(name)s did not confirm this sign-in. Try again.", name=provider.label)
            )
        return provider.identity(code, _back(provider.key), state)

    @expose("/<key>/link", methods=["GET", "POST"])
    def link(self, key: str) -> Response | str:
        """Ask whether this is the account; yes links it."""
        me, provider = _me(), _known(key)
        kept = _to_link(me, key)
        if kept is None:
            return redirect(url_for("ProvidersView.list"))
        if request.method == "GET":
            return render_template(
                "security/link_account.html", provider=provider, name=kept["name"]
            )
        session.pop(TO_LINK)
        identity = Identity(key, kept["subject"], kept["name"], kept["email"])
        try:
            linked_accounts.link(me.id, identity)
        except InvalidInput as error:
            web.toast(error, "danger")
        else:
            web.toast(gettext("The account is linked."))
        return redirect(url_for("ProvidersView.list"))

    @expose("/<key>/unlink", methods=["POST"])
    def unlink(self, key: str) -> Response:
        """Signing in by it ends."""
        try:
            linked_accounts.unlink(_me().id, key)
        except InvalidInput as error:
            web.toast(error, "danger")
        else:
            web.toast(gettext("The account is no longer linked."))
        return redirect(url_for("ProvidersView.list"))


def _me() -> Any:
    """The person signed in. Raises NotAllowed, which leads visitors to signing in."""
    if not current_user.is_authenticated:
        raise NotAllowed
    return current_user._get_current_object()


def _known(key: str) -> Provider:
    provider = provider_of(key)
    if provider is None:
        raise NotFound(gettext("This way to sign in is not set up."))
    return provider


def _begun(key: str, signed_in: int | None) -> dict[str, Any]:
    """The sign-in that this browser began, for this provider and by the same person, a short time ago.

    It comes back once. Raises SignInRefused.
    """
    begun: dict[str, Any] = session.pop(UNDER_WAY, None) or {}
    state = request.args.get("state", "")
    if (
        begun.get("provider") == key
        and begun["user"] == signed_in
        and begun["until"] >= now().timestamp()
        and hmac.compare_digest(state.encode(), str(begun["state"]).encode())
        and linked_accounts.use_state(state)
    ):
        return begun
    raise SignInRefused(gettext("This sign-in was not begun here, or is over. Try again."))


def _kept(identity: Identity, user_id: int, until: int) -> dict[str, Any]:
    """What the question needs, and no list of groups: a cookie holds little."""
    return {
        "provider": identity.provider,
        "subject": identity.subject,
        "name": identity.name,
        "email": identity.email,
        "user": user_id,
        "until": until,
    }


def _to_link(me: Any, key: str) -> dict[str, Any] | None:
    """Whom the provider vouched for to this person, a short time ago."""
    kept: dict[str, Any] = session.get(TO_LINK) or {}
    same = kept.get("provider") == key and kept["user"] == me.id
    return kept if same and kept["until"] >= now().timestamp() else None


def _back(key: str) -> str:
    """The address that is entered at the provider; from the setting, so that no header can lead away."""
    settings: Settings = current_app.config["STEWARD"]
    here = settings.public_url or request.url_root.rstrip("/")
    return here + url_for("ProvidersView.back", key=key)


def _refused(error: StewardError, signed_in: int | None) -> Response:
    web.toast(error, "danger")
    return redirect(url_for("ProvidersView.list") if signed_in else _sign_in())


def _sign_in() -> str:
    return str(current_app.appbuilder.get_url_for_login)  # type: ignore[attr-defined]

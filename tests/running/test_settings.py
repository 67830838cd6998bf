"""Settings: read once, safe by default, wrong ones named in one line."""

from __future__ import annotations

import stat
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.commands import checks
from app.engine.adapters import data_folder
from config import ROOT, Settings, SettingsError, without_password


def test_defaults_are_safe() -> None:
    settings = Settings.from_environment({})
    assert settings.port == 8000
    assert settings.host == "127.0.0.1"
    assert settings.trusted_proxies == 0
    assert settings.data_dir == ROOT / "instance"
    assert settings.database_url == f"sqlite:///{ROOT / 'instance' / 'steward.db'}"
    assert settings.files_url == f"file://{ROOT / 'instance' / 'files'}"
    assert settings.redis_url is None
    assert settings.admin_password is None
    assert settings.secret_key is None


def test_an_empty_variable_is_not_set() -> None:
    assert Settings.from_environment({"PORT": "", "REDIS_URL": " "}) == Settings()


@pytest.mark.parametrize(
    "given",
    ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"],
)
def test_every_spelling_of_postgresql_gets_the_driver(given: str) -> None:
    settings = Settings.from_environment({"DATABASE_URL": given})
    assert settings.database_url == "postgresql+psycopg://u@h/d"


def test_a_sqlite_path_does_not_depend_on_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"DATABASE_URL": "sqlite:///some.db"})
    assert settings.database_url == f"sqlite:///{tmp_path / 'some.db'}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "８０００"),
        ("WORKERS", "-1"),
        ("TRUSTED_PROXIES", "yes"),
        ("DEMO", "maybe"),
        ("DATABASE_URL", "mysql://root@h/d"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "http://h"),
        ("ADMIN_PASSWORD", "short"),
        ("SECRET_KEY", "short"),
        ("UPLOAD_LIMIT_MB", "0"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value).startswith(f"{name} must ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://root:s3cret@h/d",
        "redis://:s3cret@h:6379/0",
        "mysql://u:s3c@ret@h/d",
        "http://u:s3cret@[bad/x@y",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    shown = without_password(url)
    assert "s3c" not in shown
    assert shown.endswith(url.rpartition("@")[2])


def test_every_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for entry in fields(Settings):
        assert entry.metadata["says"]
        assert f"`{entry.metadata['variable']}`" in readme


def test_the_secret_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = data_folder.prepare(Settings(data_dir=tmp_path / "new"))
    again = data_folder.prepare(Settings(data_dir=tmp_path / "new"))
    assert first.secret_key
    assert first.secret_key == again.secret_key
    key = tmp_path / "new" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_given_secret_key_is_not_written_down(tmp_path: Path) -> None:
    given = Settings(data_dir=tmp_path / "new", secret_key="k" * 40)
    assert data_folder.prepare(given) == given
    assert not (tmp_path / "new" / "secret_key").exists()


DRAWN = "Zm9vYmFyIGlzIG5vdCBhIHNlY3JldCBidXQgbG9uZw"
PROXY = {"HOST": "0.0.0.0", "TRUSTED_PROXIES": "1", "DEMO": "0"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"HOST": "::1"}, []),
        ({"SECRET_KEY": DRAWN}, []),
        ({**PROXY, "PUBLIC_URL": "https://crm.example.com"}, []),
        ({"HOST": "0.0.0.0", "DEMO": "0"}, ["HOST=0.0.0.0"]),
        ({"HOST": "0.0.0.0"}, ["HOST=0.0.0.0", "DEMO=1"]),
        (PROXY, ["ALLOWED_HOSTS"]),
        ({"TRUSTED_PROXIES": "1", "PUBLIC_URL": "http://crm.example.com"}, ["PUBLIC_URL"]),
        ({"SECRET_KEY": "a" * 40}, ["SECRET_KEY"]),
        (
            {"MAIL_URL": "smtp://u:p@mail.example", "MAIL_FROM": "a@example.com",
             "PUBLIC_URL": "https://crm.example.com"},
            ["MAIL_URL"],
        ),
        ({"REDIS_URL": "redis://:p@queue.example/0"}, ["REDIS_URL"]),
        ({"REDIS_URL": "redis://:p@127.0.0.1/0"}, []),
    ],
)  # fmt: skip
def test_unsafe_settings_are_named_at_the_start(given: dict[str, str], said: list[str]) -> None:
    warnings = list(checks.unsafe(Settings.from_environment(given)))
    assert [line.startswith(word) for line, word in zip(warnings, said, strict=True)] == [
        True for _word in said
    ]
    assert all("\n" not in line for line in warnings)


@pytest.mark.parametrize("hosts", ["crm.example.com", ".example.org, crm.example.com", "[::1]"])
def test_host_names(hosts: str) -> None:
    assert Settings.from_environment({"ALLOWED_HOSTS": hosts}).known_hosts


@pytest.mark.parametrize("hosts", ["http://crm.example.com", "a b", "*", "crm.example.com:8000"])
def test_what_is_no_host_name(hosts: str) -> None:
    with pytest.raises(SettingsError, match=r"^ALLOWED_HOSTS must "):
        Settings.from_environment({"ALLOWED_HOSTS": hosts})


def test_the_application_is_safe_by_default(prepared_app: Flask) -> None:
    given = prepared_app.config
    assert given["SESSION_COOKIE_HTTPONLY"] is True
    assert given["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert given["SESSION_COOKIE_DOMAIN"] is None
    assert given["JWT_TOKEN_LOCATION"] == ["headers"]
    assert given["JWT_ALGORITHM"] == "HS256"
    assert given["JWT_ACCESS_TOKEN_EXPIRES"] <= timedelta(hours=1)
    assert given["JWT_REFRESH_TOKEN_EXPIRES"] <= timedelta(days=7)
    assert given["PERMANENT_SESSION_LIFETIME"] <= timedelta(hours=12)
    assert given["MAX_CONTENT_LENGTH"] == Settings().upload_limit
    assert given["MAX_FORM_MEMORY_SIZE"] <= 2_000_000
    assert given["DEBUG"] is False
    assert given["SQLALCHEMY_ENGINE_OPTIONS"]["hide_parameters"] is True
    assert given["FAB_API_SWAGGER_UI"] is False

"""EnvVar: a reference until a run needs it, and a secret afterwards."""

from __future__ import annotations

import pytest

from headwater import EnvVar, InvalidInvocationError
from headwater.definitions.env import HIDDEN, redacted, redacted_data

SECRET = "s3cr3t-hunter2"


def test_a_reference_shows_its_name_and_has_no_text() -> None:
    assert repr(EnvVar("DB_PASSWORD")) == "EnvVar('DB_PASSWORD')"
    assert repr(EnvVar.int("DB_PORT")) == "EnvVar.int('DB_PORT')"
    with pytest.raises(InvalidInvocationError, match="get_value"):
        f"{EnvVar('DB_PASSWORD')}"


def test_a_value_can_be_asked_for_with_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PORT", "5432")
    assert EnvVar("DB_PORT").get_value() == "5432"
    assert EnvVar("DB_NOWHERE").get_value("x") == "x"
    assert EnvVar("DB_NOWHERE").get_value() is None


def test_what_was_looked_up_is_taken_out_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    EnvVar("DB_PASSWORD").get_value()
    assert redacted(f"cannot log in with {SECRET}!") == f"cannot log in with {HIDDEN}!"
    assert redacted_data({"url": {"value": f"db://me:{SECRET}@host"}, "n": 1, "all": [SECRET]}) == {
        "url": {"value": f"db://me:{HIDDEN}@host"},
        "n": 1,
        "all": [HIDDEN],
    }


def test_a_value_too_short_to_be_told_from_other_text_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    EnvVar("STAGE").get_value()
    assert redacted("/srv/prod/app.py") == "/srv/prod/app.py"

"""Settings come from options, else the environment, else their defaults; the guide lists them."""

import re

import pytest

from perplexity_detector.command_line import My_TextClassifier_Model
from perplexity_detector.errors import InputError
from perplexity_detector.service.settings import (
    API_KEY,
    MEGABYTE,
    Settings,
    environment_variable,
    load_settings,
)
from tests.paths import ROOT


def test_every_setting_has_an_environment_variable(monkeypatch):
    assert API_KEY == "PERPLEXITY_DETECTOR_API_KEY"
    defaults = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(environment_variable(name), "1")
    monkeypatch.setenv(environment_variable("allowed_origins"), "https://1")
    settings = load_settings()
    assert settings.api_key.get_secret_value() == "1"
    assert settings.trusted_hosts == "1"
    assert settings.allowed_origins == "https://1"
    texts = {"api_key", "trusted_hosts", "allowed_origins"}
    for name in set(Settings.model_fields) - texts:
        assert getattr(settings, name) == 1 != getattr(defaults, name)


def test_options_win_over_the_environment(monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_MAX_TEXTS", "3")
    assert load_settings(max_texts=5, max_jobs=None).max_texts == 5
    assert load_settings(max_texts=None).max_texts == 3


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MAX_TEXTS", "many", "PERPLEXITY_DETECTOR_MAX_TEXTS should be a valid integer"),
        ("MAX_JOBS", "0", "PERPLEXITY_DETECTOR_MAX_JOBS should be greater than or equal to 1."),
        ("BODY_RATE", "nan", "PERPLEXITY_DETECTOR_BODY_RATE should be"),
        ("GRACE_SECONDS", "1.5", "PERPLEXITY_DETECTOR_GRACE_SECONDS should be a valid integer"),
        ("API_KEY", " ", "PERPLEXITY_DETECTOR_API_KEY is empty: give it a long random value"),
        ("ALLOWED_ORIGINS", "*", "PERPLEXITY_DETECTOR_ALLOWED_ORIGINS is a list of origins"),
        ("ALLOWED_ORIGINS", "null", "PERPLEXITY_DETECTOR_ALLOWED_ORIGINS is a list of origins"),
        ("ALLOWED_ORIGINS", "https://a.b/c", "PERPLEXITY_DETECTOR_ALLOWED_ORIGINS is a list"),
        ("ALLOWED_ORIGINS", "https://*.a.b", "PERPLEXITY_DETECTOR_ALLOWED_ORIGINS is a list"),
        ("ALLOWED_ORIGINS", "a.b, http://a b", "PERPLEXITY_DETECTOR_ALLOWED_ORIGINS is a list"),
        ("API_KEY", "", "PERPLEXITY_DETECTOR_API_KEY is empty: give it a long random value"),
    ],
)
def test_a_wrong_value_is_one_sentence(monkeypatch, name, value, sentence):
    monkeypatch.setenv(f"PERPLEXITY_DETECTOR_{name}", value)
    with pytest.raises(InputError) as caught:
        load_settings()
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_origins_are_as_browsers_write_them():
    given = "https://School.example:443 ,http://a:80,http://a:8000,, https://[::1]:8443"
    assert Settings(allowed_origins=given).origins == [
        "https://school.example",
        "http://a",
        "http://a:8000",
        "https://[::1]:8443",
    ]
    assert Settings().origins == []


def test_the_key_is_never_shown(monkeypatch):
    monkeypatch.setenv(API_KEY, " zanzibar ")
    settings = load_settings()
    assert settings.api_key.get_secret_value() == "zanzibar"
    assert "zanzibar" not in repr(settings) + str(settings.model_dump())


def test_the_guide_lists_every_setting():
    guide = (ROOT / "docs" / "guides" / "service-settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", guide, re.M))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = f"{field.default:,}" if isinstance(field.default, (int, float)) else "none"
        expected[environment_variable(name)] = f"{default} | {field.description}"
    assert rows == expected


def test_the_help_shows_defaults():
    help_text = My_TextClassifier_Model.serve.__doc__ or ""
    limits = dict(re.findall(r"(max_\w+|queue_tokens): limit .*?; (\d+) if not given", help_text))
    settings = Settings()
    assert {name: int(limit) for name, limit in limits.items()} == {
        "max_texts": settings.max_texts,
        "max_characters": settings.max_characters,
        "max_megabytes": settings.max_file_bytes // MEGABYTE,
        "queue_tokens": settings.queue_tokens,
    }

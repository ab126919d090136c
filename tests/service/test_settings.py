from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import WrongSettings
from service.settings import Settings


def test_only_the_model_file_must_be_set() -> None:
    settings = Settings.from_environment({"MODEL_FILE": "/data/model.pkl"})

    assert settings == Settings(model_file=Path("/data/model.pkl"))
    assert (settings.host, settings.port) == ("0.0.0.0", 5000)  # noqa: S104 (in a container)
    assert (settings.workers, settings.threads) == (None, None)


def test_every_setting_is_read() -> None:
    environment = {
        "MODEL_FILE": "m.joblib",
        "PORT": "8080",
        "HOST": "127.0.0.1",
        "WORKERS": "3",
        "THREADS": " 2 ",
        "LOG_FORMAT": "JSON",
        "LOG_LEVEL": "Debug",
        "MAX_BODY_BYTES": "1000",
        "MAX_ROWS": "2000",
        "REQUEST_SECONDS": "2.5",
        "TRUST": "helpers, more.helpers.Mine",
        "ALLOWED_HOSTS": "iris,models.example",
        "TOKENS_FILE": "/run/secrets/tokens",
        "TLS_CERTIFICATE": "/run/tls/certificate.pem",
        "TLS_KEY": "/run/tls/key.pem",
        "LOG_INPUTS": "0.25",
        "CORS_ORIGINS": "https://app.example",
        "EGRESS": "1",
        "PROGRAMS": "1",
        "FILES": "own",
        "READS": "/lookups:/more",
        "SCRATCH": "/scratch",
    }

    settings = Settings.from_environment(environment)

    assert settings == Settings(
        model_file=Path("m.joblib"),
        port=8080,
        host="127.0.0.1",
        workers=3,
        threads=2,
        log_format="json",
        log_level="debug",
        max_body_bytes=1000,
        max_rows=2000,
        request_seconds=2.5,
        trusted=("helpers", "more.helpers.Mine"),
        allowed_hosts=("iris", "models.example"),
        tokens_file=Path("/run/secrets/tokens"),
        tls_certificate=Path("/run/tls/certificate.pem"),
        tls_key=Path("/run/tls/key.pem"),
        log_inputs=0.25,
        cors_origins=("https://app.example",),
        egress=True,
        programs=True,
        files="own",
        reads=(Path("/lookups"), Path("/more")),
        scratch=Path("/scratch"),
    )


def test_a_blank_variable_counts_as_not_set() -> None:
    environment = dict.fromkeys(["PORT", "HOST", "WORKERS", "THREADS", "LOG_FORMAT", "MAX_BODY_BYTES"], " ")

    settings = Settings.from_environment({**environment, "MODEL_FILE": "m.pkl"})

    assert settings == Settings(model_file=Path("m.pkl"))


def test_all_wrong_settings_are_named_at_once() -> None:
    environment = {"PORT": "http", "WORKERS": "0", "LOG_FORMAT": "xml", "LOG_INPUTS": "nan"}

    with pytest.raises(WrongSettings) as caught:
        Settings.from_environment(environment)

    assert caught.value.problems == (
        "MODEL_FILE is not set: set it to the path of the model",
        "PORT must be a whole number from 1 to 65535, not 'http'",
        "WORKERS must be a whole number from 1 to 1024, not '0'",
        "LOG_FORMAT must be one of text, json, not 'xml'",
        "LOG_INPUTS must be a share from 0 to 1, such as 0.01, not 'nan'",
    )


@pytest.mark.parametrize("seconds", ["0", "0.0", "-1", "86401", "1e3", "nan", "1s", "\u0665", "9" * 5000])
def test_a_deadline_must_be_a_number_of_seconds(seconds: str) -> None:
    with pytest.raises(WrongSettings, match="REQUEST_SECONDS must be a number of seconds up to 86400"):
        Settings.from_environment({"MODEL_FILE": "m.pkl", "REQUEST_SECONDS": seconds})


@pytest.mark.parametrize("port", ["0", "-1", "65536", "1.5", "5_000", "\u0665", "9" * 5000])
def test_a_port_must_be_a_whole_number_in_range(port: str) -> None:
    with pytest.raises(WrongSettings, match="PORT must be a whole number"):
        Settings.from_environment({"MODEL_FILE": "m.pkl", "PORT": port})


def test_trusted_modules_must_be_names() -> None:
    with pytest.raises(WrongSettings) as caught:
        Settings.from_environment({"MODEL_FILE": "m.pkl", "TRUST": "helpers * a..b"})

    assert caught.value.problems == (
        "TRUST must be names of modules, not '*'",
        "TRUST must be names of modules, not 'a..b'",
    )


@pytest.mark.parametrize(
    ("there", "missing"), [("TLS_CERTIFICATE", "TLS_KEY"), ("TLS_KEY", "TLS_CERTIFICATE")]
)
def test_a_certificate_needs_its_key_and_a_key_its_certificate(there: str, missing: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        Settings.from_environment({"MODEL_FILE": "m.pkl", there: "/run/tls/file.pem"})

    assert caught.value.problems == (f"{missing} is not set, and {there} is: set both, or neither",)

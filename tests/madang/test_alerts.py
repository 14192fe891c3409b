"""Telling people on call, with a real server at the other end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alerted import Alerted, serve_alerts

from madang.alerts import ADDRESS, alert
from madang.errors import InputError


@pytest.fixture
def alerted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Alerted]:
    """The server at the address in the environment."""
    with serve_alerts() as (address, told):
        monkeypatch.setenv(ADDRESS, address)
        yield told


def lines(home: Path) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in (home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_alert_reaches_the_address_and_the_file(tmp_path: Path, alerted: Alerted) -> None:
    assert alert(tmp_path, "학생 market@1 is closed") is None

    assert alerted.texts == ["학생 market@1 is closed"]
    assert [(line["text"], line["problem"]) for line in lines(tmp_path)] == [("학생 market@1 is closed", None)]


def test_an_alert_without_an_address_is_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)

    assert alert(tmp_path / "home", "closed") is None
    assert len(lines(tmp_path / "home")) == 1


def test_an_alert_that_is_refused_says_why_and_not_where(tmp_path: Path, alerted: Alerted) -> None:
    alerted.status = 503

    problem = str(alert(tmp_path, "closed"))

    assert problem == "MADANG_ALERT_URL: Service Unavailable"
    assert lines(tmp_path)[0]["problem"] == problem


@pytest.mark.parametrize("address", ["http://host:port/secret", "http://host/a secret", "http://[host/secret"])
def test_a_broken_address_is_told_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:  # fmt: skip
    """`InvalidURL` is no OSError: it ended the audit with the address in its message, and left no line."""
    monkeypatch.setenv(ADDRESS, address)

    problem = str(alert(tmp_path, "closed"))

    assert problem in ("MADANG_ALERT_URL: InvalidURL", "MADANG_ALERT_URL: ValueError")
    assert lines(tmp_path)[0]["problem"] == problem


def test_an_address_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "file:///etc/passwd")

    with pytest.raises(InputError, match="no address of HTTP"):
        alert(tmp_path, "closed")

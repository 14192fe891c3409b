"""The proving server, shared: each test tells it what it needs, and asks with posts of its own."""

from collections.abc import Iterator

import pytest
from proving import Proving, proving


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proving]:
    """The server's process."""
    with proving(tmp_path_factory.mktemp("proving")) as server:
        yield server


@pytest.fixture
def server(running: Proving, monkeypatch: pytest.MonkeyPatch) -> Proving:
    """The server, without faults; Anthropic's address is its own."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-that-nobody-may-see")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
    running.tell()
    return running

"""The key that dagster-gcp takes, on its way to BigQuery's client: a made one, and a server of our own for Google's."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dagster._core.errors import DagsterInvalidDefinitionError
from google.auth import default, jwt
from scenario import Project

from resources import WarehouseResource

EMAIL = "robot@madang-test.iam.example"
TOKEN = "a-token-of-the-test"
# The key's file says where to ask, and the claim always says this.
AUDIENCE = "https://oauth2.googleapis.com/token"
NAMED = "GOOGLE_APPLICATION_CREDENTIALS"


class Google:
    """What the server was sent: signed claims for tokens, and the credentials of each call."""

    def __init__(self, public_key: bytes) -> None:
        self.public_key = public_key
        self.address = ""
        self.issuers: list[str] = []
        self.bearers: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Gives a token for a claim that our key has signed."""
        google: Google = self.server.google  # type: ignore[attr-defined]
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = jwt.decode(form["assertion"][0], certs=google.public_key, audience=AUDIENCE)
        google.issuers.append(claims["iss"])
        self._answer({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self) -> None:
        """Describes the one table that is asked for: the lock."""
        google: Google = self.server.google  # type: ignore[attr-defined]
        google.bearers.append(self.headers["Authorization"])
        _, _, dataset, table = self.path.partition("?")[0].rsplit("/", 3)[0:4]
        named = {"projectId": "madang-test", "datasetId": dataset, "tableId": table}
        self._answer({"kind": "bigquery#table", "tableReference": named, "schema": {"fields": []}})

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def google(key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """The server; the project's warehouse is there."""
    public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    told = Google(key.public_key().public_bytes(*public))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    told.address = f"http://127.0.0.1:{server.server_address[1]}"
    server.google = told  # type: ignore[attr-defined]
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", told.address)
    monkeypatch.setenv("MADANG_WAREHOUSE", "bigquery:madang-test.madang")
    monkeypatch.delenv(NAMED, raising=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def resource(project: Project, key: rsa.RSAPrivateKey, google: Google) -> WarehouseResource:
    """The resource with a service account's key, as a user sets it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "project_id": "madang-test", "private_key_id": "1", "private_key": pem,
               "client_email": EMAIL, "client_id": "1", "token_uri": f"{google.address}/token"}  # fmt: skip
    return WarehouseResource(gcp_credentials=base64.b64encode(json.dumps(account).encode()).decode())


def test_the_key_signs_for_the_token_that_every_call_bears(resource: WarehouseResource, google: Google) -> None:
    with resource.open(read_only=True) as opened:
        assert opened.has("raw.posts")

    assert google.issuers == [EMAIL]
    assert set(google.bearers) == {f"Bearer {TOKEN}"}


def test_the_key_is_not_left_in_the_environment_nor_in_a_file(
    resource: WarehouseResource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with resource.open(read_only=True), resource.open(read_only=True):
        within = os.environ.get(NAMED), list((tmp_path / "temporary").iterdir())

    assert within == (None, [])


def test_a_second_key_in_the_environment_is_refused(
    resource: WarehouseResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED, "elsewhere.json")

    with pytest.raises(DagsterInvalidDefinitionError, match=NAMED), resource.open(read_only=True):
        pass


def test_feast_finds_the_key_where_every_client_looks_for_it(resource: WarehouseResource) -> None:
    with resource.credentials():
        found, project_id = default()

    assert (found.service_account_email, project_id, NAMED in os.environ) == (EMAIL, "madang-test", False)


@pytest.mark.parametrize("use", [WarehouseResource.open, WarehouseResource.credentials])
def test_an_embedded_warehouse_needs_no_key(
    resource: WarehouseResource, google: Google, monkeypatch: pytest.MonkeyPatch, use: Callable[..., object]
) -> None:
    monkeypatch.delenv("MADANG_WAREHOUSE")

    with use(resource):  # type: ignore[attr-defined]
        assert NAMED not in os.environ

    assert google.issuers == []

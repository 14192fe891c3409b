"""The lane to a model behind HTTP. What differs between providers is a `Dialect`: address, headers, body, answer.

It speaks HTTP itself: docs/decisions/0007 has the figures. It sends each request once: whether to try again, and when,
is the engine's business, which has claimed the call and answers for its money.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import ValidationError

from madang.errors import CallFailed, Refused, TransientFailure
from madang.models.calling import send_with
from madang.models.online_specs import OnlineModel
from madang.models.prices import Prices, Reserve
from madang.models.protocol import Outcome, Reply, Request
from madang.models.specs import Lane

if TYPE_CHECKING:
    import aiohttp

# The provider's own log can then be searched for a request of ours.
REQUEST_ID_HEADER = "X-Client-Request-Id"


class Dialect(Protocol):
    """How one provider is asked."""

    @property
    def place(self) -> str:
        """Which model, for messages."""

    @property
    def url(self) -> str:
        """Where requests go."""

    @property
    def thinking_tokens(self) -> int:
        """Most tokens of thought that a reply may have besides its own."""

    async def headers(self) -> Mapping[str, str]:
        """Headers that carry the key.

        Raises:
            InputError: There is no key.
        """

    def body(self, request: Request) -> bytes:
        """What is sent.

        Raises:
            PermanentFailure: The provider cannot take it; nothing was sent.
        """

    def read(self, request_hash: str, body: bytes, prices: Prices) -> Reply:
        """Reads an answer of status 200.

        Raises:
            Refused: The provider did not answer; it says what that cost.
            ValidationError: It is no answer.
        """

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> CallFailed:
        """What any other status means."""


@dataclass
class _Open:
    session: "aiohttp.ClientSession"


class HttpLane:
    """A lane to one model behind HTTP."""

    lane: Lane = "online"

    def __init__(self, spec: OnlineModel, dialect: Dialect, prices: Prices) -> None:
        self._spec, self._dialect, self._prices = spec, dialect, prices
        self._reserve = Reserve(prices, spec.image_tokens, dialect.thinking_tokens)
        self._open: _Open | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Model`.

        Raises:
            InputError: There is no key. Nothing was sent.
        """
        import aiohttp

        await self._dialect.headers()
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._spec.concurrency),
            timeout=aiohttp.ClientTimeout(total=self._spec.timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy_of(self._dialect.url),
        )
        async with session:
            self._open = _Open(session)
            try:
                yield
            finally:
                self._open = None

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        """See `Model`."""
        return send_with(self._call, requests, self._spec.rates)

    def reserved_usd(self, request: Request) -> float:
        """See `Model`."""
        return self._reserve.usd(request)

    async def _call(self, request: Request) -> Reply:
        dialect = self._dialect
        body = dialect.body(request)
        started = time.perf_counter()
        status, headers, answer = await self._post(request.hash, body)
        if status != 200:
            raise dialect.failure(status, headers, answer)
        try:
            reply = dialect.read(request.hash, answer, self._prices)
        except ValidationError as error:
            raise TransientFailure(dialect.place, "the answer is not what this provider sends", "Check base_url",
                                   usd=None) from error  # fmt: skip
        self._reserve.learn(request, reply.input_tokens)
        return replace(reply, seconds=time.perf_counter() - started)

    async def _post(self, request_hash: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Sends once. What was sent and not answered may have been paid for, and nobody knows."""
        import aiohttp

        assert self._open is not None
        place = self._dialect.place
        headers = {
            **await self._dialect.headers(), "Content-Type": "application/json", REQUEST_ID_HEADER: request_hash
        }  # fmt: skip
        try:
            async with self._open.session.post(self._dialect.url, data=body, headers=headers) as answer:
                told = {name.lower(): value for name, value in answer.headers.items()}
                return answer.status, told, await answer.read()
        except aiohttp.ClientConnectorError as error:
            culprit = f"no connection ({type(error).__name__})"
            raise TransientFailure(place, culprit, "Check base_url and the network") from error
        except TimeoutError as error:
            culprit = f"no answer within {self._spec.timeout_seconds:g} s"
            raise TransientFailure(place, culprit, "Raise timeout_seconds", usd=None) from error
        except aiohttp.ClientError as error:
            culprit = f"the connection broke ({type(error).__name__})"
            raise TransientFailure(place, culprit, "Wait; it is tried again", usd=None) from error


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names. Asked once: aiohttp's trust_env asks in a thread for every call."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def refused(place: str, reason: str, usd: float) -> Refused:
    """The failure for an answer that the provider withheld, and has charged."""
    culprit = f"the provider refused to answer ({reason})"
    return Refused(place, culprit, "Read the post; leave it out by `where`", usd=usd)

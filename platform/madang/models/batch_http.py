"""Google's REST APIs for the batch lane: jobs and Cloud Storage. What may be repeated is; a creation never is."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any, TypeVar

from madang.errors import TransientFailure
from madang.models import google_token
from madang.models.google_token import GoogleToken
from madang.models.http_errors import failure_of
from madang.models.online import proxy_of

if TYPE_CHECKING:
    import aiohttp

# Between two bytes: an upload of a gigabyte may take its time, a connection that hangs may not.
_SILENCE_SECONDS = 120.0
_CONNECT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
_MOST_TRIES = 10
Made = TypeVar("Made")


class GoogleApi:
    """A connection to Google's APIs.

    Args:
        place: Which model, for messages.
        is_local: Whether the server is one's own and any token will do.
        pause_seconds: Between two tries of what may be repeated.
    """

    def __init__(self, place: str, *, is_local: bool, pause_seconds: float) -> None:
        self.place = place
        self._token = GoogleToken(is_local=is_local)
        self._pause_seconds = pause_seconds
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Holds the connections.

        Raises:
            InputError: There are no credentials.
        """
        import aiohttp

        await self._token.get()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def patiently(self, call: Callable[[], Awaitable[Made]]) -> Made:
        """Makes a call that may be repeated, until it succeeds.

        Raises:
            TransientFailure: It failed ten times.
            CallFailed: It cannot succeed.
        """
        for _ in range(_MOST_TRIES - 1):
            try:
                return await call()
            except TransientFailure as error:
                await asyncio.sleep(max(self._pause_seconds, error.retry_after_seconds or 0.0))
        return await call()

    async def json(
        self, method: str, url: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Sends once, and reads the answer.

        Raises:
            CallFailed: With its class; `usd` is None if the request may have had its effect all the same.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        async with self._answer(method, url, query, data, headers) as answer:
            read: dict[str, Any] = await answer.json(content_type=None) or {}
            return read

    async def upload(self, url: str, query: Mapping[str, str], content: IO[bytes], content_type: str) -> None:
        """Sends a file once.

        Raises:
            CallFailed: With its class.
        """
        async with self._answer("POST", url, query, content, {"Content-Type": content_type}) as answer:
            await answer.read()

    async def lines(self, url: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Reads a file of lines, however long they are.

        Raises:
            CallFailed: With its class; lines that came before are whole.
        """
        rest = b""
        async with self._answer("GET", url, query, None, {}) as answer:
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
        if rest:
            yield rest

    @asynccontextmanager
    async def _answer(
        self, method: str, url: str, query: Mapping[str, str] | None, data: bytes | IO[bytes] | None,
        headers: dict[str, str],
    ) -> AsyncIterator["aiohttp.ClientResponse"]:  # fmt: skip
        import aiohttp

        assert self._session is not None
        headers = {"Authorization": f"Bearer {await self._token.get()}", **headers}
        try:
            async with self._session.request(
                method, url, params=query, data=data, headers=headers, proxy=proxy_of(url)
            ) as answer:
                if answer.status >= 400:
                    told = {name.lower(): value for name, value in answer.headers.items()}
                    raise failure_of(self.place, answer.status, told, await answer.read(), google_token.REMEDY)
                yield answer
        except aiohttp.ClientConnectorError as error:
            culprit = f"no connection ({type(error).__name__})"
            raise TransientFailure(self.place, culprit, "Check the network") from error
        except TimeoutError as error:
            culprit = f"no answer within {_SILENCE_SECONDS:g} s"
            raise TransientFailure(self.place, culprit, "Wait; it is tried again", usd=None) from error
        except aiohttp.ClientError as error:
            culprit = f"the connection broke ({type(error).__name__})"
            raise TransientFailure(self.place, culprit, "Wait; it is tried again", usd=None) from error

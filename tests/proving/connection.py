"""HTTP/1.1 on a bare asyncio protocol: clients are measured against it, and it must leave them the cores."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import httptools

REASONS = {200: "OK", 206: "Partial Content", 308: "Resume Incomplete", 404: "Not Found", 429: "Too Many Requests"}
DRIP_PIECES = 20


@dataclass
class Incoming:
    """One request as it came.

    Args:
        method: GET, POST …
        target: Path and query, as sent.
        headers: By lower-case name.
        body: As sent.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Path, percent-encoded as it came."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Parameters behind the question mark."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def under(self, prefix: str) -> str | None:
        """What follows a prefix in the path, decoded; None if it does not start so."""
        path = self.path
        return unquote(path[len(prefix) :]) if path.startswith(prefix) else None


@dataclass(frozen=True)
class Answer:
    """One answer.

    Args:
        body: As sent.
        status: HTTP status.
        headers: Besides length and type.
        manner: `plain`; `drip` sends it in pieces over `seconds`; `cut` sends half and closes; `reset` sends nothing
            and resets the connection; `drop` closes the connection without a word.
        seconds: How long a drip takes.
        then: Called when it has been handed to the socket.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Literal["plain", "drip", "cut", "reset", "drop"] = "plain"
    seconds: float = 0.0
    then: Callable[[], None] | None = None


Handler = Callable[[Incoming], Awaitable[Answer]]


class Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._answering: set[asyncio.Task[None]] = set()
        self._target, self._headers, self._body = b"", {}, []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        for task in self._answering:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport:
                self._transport.abort()

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        incoming = Incoming(method, self._target.decode("latin-1"), self._headers, b"".join(self._body))
        task = asyncio.get_running_loop().create_task(self._answer(incoming, self._parser.should_keep_alive()))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, incoming: Incoming, is_kept: bool) -> None:
        answer = await self._handler(incoming)
        transport = self._transport
        if transport is None:
            return
        headers = {"content-type": "application/json", "content-length": str(len(answer.body)), **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}\r\n{lines}\r\n".encode("latin-1")
        match answer.manner:
            case "reset":
                _linger_not(transport)
                transport.abort()
            case "drop":
                transport.close()
            case "cut":
                transport.write(head + answer.body[: len(answer.body) // 2])
                transport.close()
            case "drip":
                await self._drip(head, answer)
            case _:
                transport.write(head + answer.body)
                if not is_kept:
                    transport.close()
        if answer.then:
            answer.then()

    async def _drip(self, head: bytes, answer: Answer) -> None:
        piece = max(1, len(answer.body) // DRIP_PIECES)
        pieces = [head, *(answer.body[at : at + piece] for at in range(0, len(answer.body), piece))]
        for part in pieces:
            if self._transport is None:
                return
            self._transport.write(part)
            await asyncio.sleep(answer.seconds / len(pieces))


def _linger_not(transport: asyncio.Transport) -> None:
    """Closing then sends RST instead of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

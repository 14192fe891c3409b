"""Stands before an emulator and does what that does not: refuses a job id used twice, fails, loses answers, bills.

A small HTTP server of its own: the real client talks to it over a socket, and what it lets through, the emulator does.
"""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

_JOB = re.compile(r"/jobs/(?P<id>[^/?]+)")
Kind = Literal["refuse", "lose", "half", "bill"]


@dataclass
class Fault:
    """Something that goes wrong.

    Args:
        kind: `refuse` answers with an error, and nothing happens; `lose` lets it happen and closes the connection;
            `half` loads some rows and says so; `bill` says how many bytes a query reads, and minds the cap.
        path: Expression that the path must match.
        body: Expression that the body must match.
        times: How often.
        status: HTTP status of an error.
        reason: Its reason, as BigQuery calls it.
        message: Its message.
        bytes_read: What a query reads, bytes.
    """

    kind: Kind
    path: str = ""
    body: str = ""
    times: int = 1
    status: int = 503
    reason: str = "backendError"
    message: str = "Error encountered during execution"
    bytes_read: int = 0


@dataclass
class FaultyBigQuery:
    """The server seen from a test.

    Args:
        address: Where it listens.
        faults: What goes wrong next.
        seen: Method and path of each request, with what it asked for, in order.
    """

    address: str
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        """Jobs that were asked for, by the kind in their labels."""
        return [body for _, _, body in self.seen if body.get("configuration", {}).get("labels", {}).get("kind") == kind]


@contextmanager
def faulty_bigquery(emulator: str) -> Iterator[FaultyBigQuery]:
    """Starts one before an emulator."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    told = FaultyBigQuery(f"http://127.0.0.1:{server.server_address[1]}")
    server.emulator, server.told = emulator, told  # type: ignore[attr-defined]
    server.jobs, server.uploads = {}, {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = _described(content)
        told: FaultyBigQuery = self.server.told  # type: ignore[attr-defined]
        told.seen.append((self.command, self.path, body))
        fault = _due(told.faults, self.path, content.decode("utf-8", "replace"))
        if fault is not None and fault.kind == "refuse":
            self._answer(fault.status, _error(fault.status, fault.reason, fault.message))
            return
        job_id = body.get("jobReference", {}).get("jobId")
        known: dict[str, bytes] = self.server.jobs  # type: ignore[attr-defined]
        if self.command == "POST" and job_id in known:
            self._answer(409, _error(409, "duplicate", f"Already Exists: Job {job_id}"))
            return
        if fault is not None and fault.kind == "bill":
            cap = int(body.get("configuration", {}).get("query", {}).get("maximumBytesBilled") or 2**62)
            if fault.bytes_read > cap and not body["configuration"].get("dryRun"):
                self._answer(400, _error(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed"))
                return
        status, headers, answer = self._pass_on(content)
        made = _described(answer)
        if made.get("kind") == "bigquery#job" and not body.get("configuration", {}).get("dryRun"):
            # The emulator gives a load an id of its own.
            known[self.server.uploads.get(self.path) or made["jobReference"]["jobId"]] = answer  # type: ignore[attr-defined]
        if job_id and "Location" in headers:
            self.server.uploads[headers["Location"].removeprefix(told.address)] = job_id  # type: ignore[attr-defined]
        if status == 404 and (asked := _JOB.search(self.path)) and asked["id"] in known:
            status, answer = 200, known[asked["id"]]  # the emulator forgets loads
        if fault is not None and fault.kind == "lose":
            self.close_connection = True
            return
        if fault is not None:
            answer = _changed(answer, fault)
        self._answer(status, answer, headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve

    def _pass_on(self, content: bytes) -> tuple[int, dict[str, str], bytes]:
        emulator: str = self.server.emulator  # type: ignore[attr-defined]
        kept = {name: value for name, value in self.headers.items()
                if name.lower() not in ("host", "content-length", "accept-encoding", "connection")}  # fmt: skip
        request = urllib.request.Request(emulator + self.path, content or None, kept, method=self.command)
        own = self.server.told.address  # type: ignore[attr-defined]
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                location = {"Location": answer.headers["Location"].replace(emulator, own)} if (
                    answer.headers["Location"]) else {}  # fmt: skip
                return answer.status, location, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {}, error.read()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if status == 204 else body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def _due(faults: list[Fault], path: str, body: str) -> Fault | None:
    for fault in faults:
        if fault.times and re.search(fault.path, path) and re.search(fault.body, body):
            fault.times -= 1
            return fault
    return None


def _described(content: bytes) -> dict[str, Any]:
    """What a request describes: its JSON, or the first part of one with a file behind it."""
    start = content.find(b"{")
    try:
        found, _ = json.JSONDecoder().raw_decode(content[start:].decode("utf-8", "replace")) if start >= 0 else ({}, 0)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _changed(answer: bytes, fault: Fault) -> bytes:
    if not answer:  # the beginning of an upload
        return answer
    plain = json.loads(answer)
    statistics = plain.get("statistics", {})
    if fault.kind == "half" and "load" in statistics:
        statistics["load"]["outputRows"] = str(int(statistics["load"]["outputRows"]) // 2)
    if fault.kind == "bill":
        statistics["totalBytesProcessed"] = str(fault.bytes_read)
        statistics.setdefault("query", {})["totalBytesProcessed"] = str(fault.bytes_read)
        plain["statistics"] = statistics
    return json.dumps(plain).encode()


def _error(status: int, reason: str, message: str) -> bytes:
    return json.dumps(
        {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
    ).encode()

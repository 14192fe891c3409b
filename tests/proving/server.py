"""Routes requests to models, batch jobs, storage and the server's own controls."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from proving.answering import Models
from proving.batch import Jobs
from proving.bigquery import BigQuery
from proving.connection import Answer, Connection, Incoming
from proving.journal import Journal
from proving.script import Script
from proving.storage import Storage


class Server:
    """One server; its state lives as long as it does."""

    def __init__(self, log: Path | None, script: Script) -> None:
        self.journal = Journal(log)
        self.models = Models(self.journal)
        self.models.set_script(script)
        self.storage = Storage(self.models)
        self.bigquery = BigQuery(self.models)
        self.jobs = Jobs(self.models, self.storage, self.bigquery)

    async def handle(self, incoming: Incoming) -> Answer:
        """Answers any request."""
        asked = self.models.read(incoming)
        if asked is not None:
            return await self.models.answer(asked, incoming)
        if (rest := incoming.under("/proving/")) is not None:
            return self._control(incoming, rest)
        for route in (self.jobs.handle, self.storage.handle, self.bigquery.handle):
            answer = await route(incoming)
            if answer is not None:
                return answer
        return Answer(json.dumps({"error": {"code": 404, "message": incoming.path}}).encode(), 404)

    def _control(self, incoming: Incoming, name: str) -> Answer:
        if incoming.method == "POST" and name == "script":
            try:
                self.models.set_script(Script.model_validate_json(incoming.body))
            except ValidationError as error:
                return Answer(str(error).encode(), 400)
            return Answer(b"{}")
        if name == "counters":
            return Answer(json.dumps(self.journal.counters()).encode())
        return Answer(b"{}", 404)


async def serve(port: int, log: Path | None, script: Script, on_port: Callable[[int], None]) -> None:
    """Serves until it is stopped."""
    server = Server(log, script)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server.handle), "127.0.0.1", port, backlog=1024)
    on_port(listening.sockets[0].getsockname()[1])
    await listening.serve_forever()

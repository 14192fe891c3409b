"""A stand-in for BigQuery: load jobs, and tables read by pages, as google-cloud-bigquery asks for them; in memory."""

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from proving.answering import Models
from proving.asked import id_of
from proving.connection import Answer, Incoming
from proving.storage import parts_of

_JOB = re.compile(r"^/bigquery/v2/projects/(?P<project>[^/]+)/jobs/(?P<id>[^/]+)$")
_TABLE = re.compile(
    r"^/bigquery/v2/projects/(?P<project>[^/]+)/datasets/(?P<dataset>[^/]+)/tables/(?P<table>[^/]+)(?P<data>/data)?$"
)
_LOAD = re.compile(r"^/(?:resumable/)?upload/bigquery/v2/projects/(?P<project>[^/]+)/jobs$")
_MOST_ROWS = 3  # a page: so that a test's few rows come in several
_Plain = dict[str, Any]


@dataclass
class Table:
    """One table: its columns' types, and rows by column."""

    types: dict[str, str]
    rows: list[_Plain] = field(default_factory=list)


class BigQuery:
    """Datasets that are there as soon as somebody names them."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.tables: dict[str, Table] = {}
        self._jobs: dict[str, _Plain] = {}
        self._uploads: dict[str, _Plain] = {}

    async def handle(self, incoming: Incoming) -> Answer | None:
        """Answers a request to BigQuery; None if it is none."""
        if found := _LOAD.match(incoming.path):
            return self._load(incoming, found["project"])
        if found := _JOB.match(incoming.path):
            self._note("bigquery.read", incoming)
            job = self._jobs.get(found["id"])
            return _json(job) if job else _error(404, "notFound")
        if found := _TABLE.match(incoming.path):
            self._note("bigquery.read", incoming)
            name = f"{found['project']}.{found['dataset']}.{found['table']}"
            table = self.tables.get(name)
            if table is None:
                return _error(404, "notFound")
            return _page(table, incoming.query) if found["data"] else _json(_resource(name, table))
        return None

    def read(self, uri: str) -> list[_Plain] | None:
        """Rows of a bq:// table, JSON columns read; None if there is no such table."""
        table = self.tables.get(uri.removeprefix("bq://"))
        if table is None:
            return None
        return [
            {name: json.loads(value) if table.types[name] == "JSON" else value for name, value in row.items()}
            for row in table.rows
        ]

    def write(self, uri: str, rows: list[_Plain]) -> None:
        """Makes the table of a batch job's answers."""
        types = {"request": "JSON", "status": "STRING", "response": "JSON", "processed_time": "TIMESTAMP"}
        self.tables[uri.removeprefix("bq://")] = Table(types, [_stored(row, types) for row in rows])

    def _note(self, kind: str, incoming: Incoming) -> None:
        self._models.journal.enter(kind, id_of(incoming), "")
        self._models.kill(kind)

    def _load(self, incoming: Incoming, project: str) -> Answer:
        if upload_id := incoming.query.get("upload_id"):
            return self._finish(self._uploads.pop(upload_id), incoming.body, project)
        self._note("bigquery.load", incoming)
        if incoming.query.get("uploadType") == "resumable":
            described = json.loads(incoming.body)
            if described["jobReference"]["jobId"] in self._jobs:
                return _error(409, "duplicate")
            upload_id = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:16]
            self._uploads[upload_id] = described
            url = f"http://{incoming.headers['host']}{incoming.path}?uploadType=resumable&upload_id={upload_id}"
            return Answer(b"", headers={"location": url})
        described, content = parts_of(incoming)
        return self._finish(described, content, project)

    def _finish(self, described: _Plain, content: bytes, project: str) -> Answer:
        """Loads the rows at once; a job id is good for one job."""
        job_id = described["jobReference"]["jobId"]
        if job_id in self._jobs:
            return _error(409, "duplicate")
        load = described["configuration"]["load"]
        target = load["destinationTable"]
        types = {column["name"]: column["type"] for column in load["schema"]["fields"]}
        rows = [_stored(json.loads(line), types) for line in content.splitlines()]
        self.tables[f"{target['projectId']}.{target['datasetId']}.{target['tableId']}"] = Table(types, rows)
        self._jobs[job_id] = described | {
            "kind": "bigquery#job", "id": f"{project}:{job_id}", "status": {"state": "DONE"},
            "statistics": {"load": {"outputRows": str(len(rows))}},
        }  # fmt: skip
        return _json(self._jobs[job_id])


def _stored(row: _Plain, types: dict[str, str]) -> _Plain:
    return {
        name: json.dumps(value, ensure_ascii=False) if types[name] == "JSON" else value for name, value in row.items()
    }


def _resource(name: str, table: Table) -> _Plain:
    project, dataset, own = name.split(".")
    return {
        "kind": "bigquery#table", "id": name, "type": "TABLE", "numRows": str(len(table.rows)),
        "tableReference": {"projectId": project, "datasetId": dataset, "tableId": own},
        "schema": {"fields": [{"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in table.types.items()]},
    }  # fmt: skip


def _page(table: Table, query: dict[str, str]) -> Answer:
    start, wanted = int(query.get("pageToken", "0")), query["selectedFields"].split(",")
    end = start + min(int(query.get("maxResults", _MOST_ROWS)), _MOST_ROWS)
    rows = [{"f": [{"v": row.get(name)} for name in table.types if name in wanted]} for row in table.rows[start:end]]
    more = {"pageToken": str(end)} if end < len(table.rows) else {}
    return _json({"kind": "bigquery#tableDataList", "totalRows": str(len(table.rows)), "rows": rows} | more)


def _error(status: int, reason: str) -> Answer:
    return _json({"error": {"code": status, "message": reason, "errors": [{"reason": reason}]}}, status)


def _json(plain: object, status: int = 200) -> Answer:
    return Answer(json.dumps(plain, ensure_ascii=False).encode(), status)

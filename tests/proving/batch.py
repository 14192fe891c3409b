"""Vertex AI's batch prediction jobs over stand-ins for Cloud Storage and BigQuery: create, get, list, cancel.

A job's input is read when it is created, its output stands there when it has ended. Each row that the model answers
is paid for, and stands in the log as `batch.row`.
"""

import asyncio
import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from proving import gemini
from proving.answering import Models, answer_and_kill
from proving.asked import Asked, id_of
from proving.bigquery import BigQuery
from proving.connection import Answer, Incoming
from proving.script import BatchScript, Kill, RowRule, uniform
from proving.storage import Storage

_PATH = re.compile(
    r"^/v1(?:beta1)?/(?P<parent>projects/[^/]+/locations/[^/]+)/batchPredictionJobs(?:/(?P<id>[^/:]+))?(?P<verb>:cancel)?$"
)
_NAME_FILTER = re.compile(r"display_?name\s*[=:]\s*\"?([^\"]+)\"?", re.IGNORECASE)
# Faults of a row whose answer is the model's own, only spoiled.
_SAID = ("truncated_json", "wrong_schema", "length", "refusal")


@dataclass
class Job:
    """One job."""

    name: str
    number: int
    request: dict[str, Any]
    created: float
    script: BatchScript
    lines: list[dict[str, Any]] = field(default_factory=list)
    state: str = "JOB_STATE_PENDING"
    directory: str = ""
    table: str = ""
    failed: int = 0

    @property
    def fault(self) -> str:
        """What is wrong with this job as a whole."""
        return self.script.fault if not self.script.jobs or self.number in self.script.jobs else ""


class Jobs:
    """All jobs."""

    def __init__(self, models: Models, storage: Storage, bigquery: BigQuery) -> None:
        self._models, self._storage, self._bigquery = models, storage, bigquery
        self._jobs: dict[str, Job] = {}
        self._refused = 0

    async def handle(self, incoming: Incoming) -> Answer | None:
        """Answers a request about jobs; None if it is none."""
        found = _PATH.match(incoming.path)
        if not found:
            return None
        if found["id"] is None:
            return self._create(incoming, found["parent"]) if incoming.method == "POST" else self._list(incoming)
        kind = "batch.cancel" if found["verb"] else "batch.get"
        kill = self._note(kind, incoming, found["id"])
        job = self._jobs.get(found["id"])
        if job is None:
            return Answer(gemini.error(404, "Not found", "NOT_FOUND"), 404)
        if found["verb"]:
            if job.state in ("JOB_STATE_PENDING", "JOB_STATE_RUNNING"):
                job.state = "JOB_STATE_CANCELLED"
            return answer_and_kill(b"{}", kill)
        return answer_and_kill(json.dumps(self._resource(job)).encode(), kill)

    def _note(self, kind: str, incoming: Incoming, what: str) -> Kill | None:
        self._models.journal.enter(kind, what or id_of(incoming), "")
        return self._models.kill(kind)

    def _create(self, incoming: Incoming, parent: str) -> Answer:
        """Makes the job before anything that may kill the client: that is the case that costs money."""
        if self._refused < self._models.script.batch.refusals:
            self._refused += 1
            self._models.journal.enter("batch.create", "", "", "rate_limited")
            return Answer(gemini.error(429, "Too many jobs", "RESOURCE_EXHAUSTED"), 429)
        request = json.loads(incoming.body)
        number = len(self._jobs) + 1
        job_id = str(1000000 + number)
        job = Job(
            f"{parent}/batchPredictionJobs/{job_id}", number, request, time.monotonic(), self._models.script.batch
        )
        lines = self._input(request["inputConfig"])
        if lines is None:
            return Answer(gemini.error(400, "No input", "INVALID_ARGUMENT"), 400)
        job.lines = lines
        self._jobs[job_id] = job
        asyncio.get_running_loop().create_task(self._run(job))
        kill = self._note("batch.create", incoming, job_id)
        if job.fault == "create_lost":
            return Answer(b"", manner="reset")
        return answer_and_kill(json.dumps(self._resource(job)).encode(), kill)

    def _input(self, config: dict[str, Any]) -> list[dict[str, Any]] | None:
        if "bigquerySource" in config:
            return self._bigquery.read(config["bigquerySource"]["inputUri"])
        found = [self._storage.under(uri) for uri in config["gcsSource"]["uris"]]
        if not all(found):
            return None
        return [json.loads(line) for files in found for _, data in files for line in data.splitlines() if line.strip()]

    def _list(self, incoming: Incoming) -> Answer:
        kill = self._note("batch.list", incoming, "")
        wanted = _NAME_FILTER.search(incoming.query.get("filter", ""))
        jobs = [
            self._resource(job)
            for job in reversed(self._jobs.values())
            if wanted is None or job.request.get("displayName") == wanted[1]
        ]
        return answer_and_kill(json.dumps({"batchPredictionJobs": jobs} if jobs else {}).encode(), kill)

    def _resource(self, job: Job) -> dict[str, Any]:
        created = "2024-11-27T00:00:00.000000Z"
        plain = {
            "name": job.name, "displayName": job.request.get("displayName", ""), "model": job.request["model"],
            "inputConfig": job.request["inputConfig"], "outputConfig": job.request["outputConfig"],
            "state": job.state, "createTime": created, "updateTime": created,
        }  # fmt: skip
        if job.state != "JOB_STATE_PENDING":
            plain["startTime"] = created
        if job.state in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"):
            plain["endTime"] = created
        if job.state == "JOB_STATE_FAILED":
            plain["error"] = {"code": 13, "message": "The batch prediction job failed"}
        if job.state == "JOB_STATE_SUCCEEDED":
            plain["outputInfo"] = (
                {"gcsOutputDirectory": job.directory} if job.directory else {"bigqueryOutputTable": job.table}
            )
            good = len(job.lines) - job.failed
            # It counts rows without an answer as done, as Vertex does.
            plain["completionStats"] = {"successfulCount": str(good), "failedCount": str(job.failed)}
        return plain

    async def _run(self, job: Job) -> None:
        await asyncio.sleep(job.script.seconds / 2)
        if job.state == "JOB_STATE_PENDING":
            job.state = "JOB_STATE_RUNNING"
        await asyncio.sleep(job.script.seconds / 2)
        if job.state != "JOB_STATE_RUNNING" or job.fault == "stuck":
            return
        if job.fault == "failed":
            job.state = "JOB_STATE_FAILED"
            return
        lines = [] if job.fault == "empty" else self._output(job)
        config = job.request["outputConfig"]
        if "bigqueryDestination" in config:
            job.table = config["bigqueryDestination"]["outputUri"]
            if lines:
                self._bigquery.write(job.table, lines)
            job.state = "JOB_STATE_SUCCEEDED"
            return
        prefix = config["gcsDestination"]["outputUriPrefix"].rstrip("/")
        job.directory = f"{prefix}/prediction-model-{job.number}"
        bucket, _, folder = job.directory.removeprefix("gs://").partition("/")
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._storage.put(bucket, f"{folder}/predictions.jsonl", text.encode())
        job.state = "JOB_STATE_SUCCEEDED"

    def _output(self, job: Job) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = []
        model = job.request["model"].rpartition("/")[2]
        for number, line in enumerate(job.lines, 1):
            text = json.dumps(line["request"], ensure_ascii=False)
            asked = gemini.read(line["request"], model, hashlib.sha256(text.encode()).hexdigest(), len(text.encode()))
            rule = next((rule for rule in job.script.rows if self._strikes(rule, job, asked, number)), None)
            fault = "error" if job.fault == "all_rows_failed" else rule.fault if rule else ""
            written += self._rows(job, line, asked, fault)
        if job.script.is_reordered:
            written.sort(key=lambda line: hashlib.sha256(json.dumps(line["request"]).encode()).digest())
        return written

    def _rows(self, job: Job, line: dict[str, Any], asked: Asked, fault: str) -> list[dict[str, Any]]:
        """The output's rows for one input row: the input row again, with a status and an answer."""
        done = {"processed_time": "2024-11-27T00:00:00.000+00:00"}
        # A row of one's own id is found in the log by it.
        row_id = str(line.get("key") or next(iter(line["request"].get("labels", {}).values()), "") or asked.id)
        self._models.journal.enter("batch.row", row_id, asked.model, fault)
        if fault == "missing":
            return []
        if fault == "error":
            job.failed += 1
            return [line | {"status": "Bad Request: the row could not be processed", "response": {}} | done]
        row = line | {"status": "", "response": self._models.reply(asked, fault if fault in _SAID else "")} | done
        if fault == "doubled":
            return [row, row]
        return [_misnamed(row, asked.id)] if fault == "wrong_id" else [row]

    def _strikes(self, rule: RowRule, job: Job, asked: Asked, number: int) -> bool:
        return (
            rule.holds in asked.post
            and number % rule.every == 0
            and (not rule.jobs or job.number in rule.jobs)
            and (rule.share == 1 or uniform(self._models.script.seed, rule.fault, asked.id) < rule.share)
        )


def _misnamed(row: dict[str, Any], seed: str) -> dict[str, Any]:
    """The row under another id: every place in which an id may stand is changed."""
    wrong = hashlib.sha256(seed.encode()).hexdigest()
    request = dict(row["request"])
    if "labels" in request:
        request["labels"] = dict.fromkeys(request["labels"], wrong[:40])
    request["contents"] = [*request["contents"][:-1], {"role": "user", "parts": [{"text": wrong}]}]
    known = {"request": request, "status": row["status"], "response": row["response"]}
    others = {name: wrong for name in row if name not in (*known, "processed_time")}
    return row | known | others

"""Where a batch job's rows and answers lie. Cloud Storage here; BigQuery in `batch_bigquery`."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from typing import IO, Any, Protocol
from urllib.parse import quote

from madang.models.batch_http import GoogleApi
from madang.models.batch_journal import BatchJob
from madang.models.batch_rows import Row, read_json

_GOOGLE = "https://storage.googleapis.com"
_JSON_LINES = "application/jsonl"


class BatchStorage(Protocol):
    """One place for rows and answers."""

    def places(self, display_name: str) -> tuple[str, str]:
        """Addresses of a new job's rows and answers."""

    def configs(self, job: BatchJob) -> dict[str, Any]:
        """inputConfig and outputConfig of a job."""

    async def store(self, job: BatchJob, rows: Iterable[Row]) -> None:
        """Stores a job's rows; once more makes no difference.

        Raises:
            CallFailed: They are not there.
        """

    def answers(self, job: BatchJob) -> AsyncIterator[Row]:
        """Answered rows of a job that has ended; what is no row is left out.

        Raises:
            CallFailed: They could not be read to their end.
        """


class CloudStorage:
    """A folder of a bucket.

    Args:
        api: The connection.
        folder: gs://bucket/folder.
        url: Address of Cloud Storage instead of Google's.
    """

    def __init__(self, api: GoogleApi, folder: str, url: str | None) -> None:
        self._api, self._folder, self._url = api, folder.rstrip("/"), (url or _GOOGLE).rstrip("/")

    def places(self, display_name: str) -> tuple[str, str]:
        """See `BatchStorage`."""
        return f"{self._folder}/{display_name}/rows.jsonl", f"{self._folder}/{display_name}/answers"

    def configs(self, job: BatchJob) -> dict[str, Any]:
        """See `BatchStorage`."""
        return {
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [job.input]}},
            "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": job.output}},
        }

    async def store(self, job: BatchJob, rows: Iterable[Row]) -> None:
        """See `BatchStorage`."""
        bucket, name = _parts(job.input)
        query = {"uploadType": "media", "name": name}
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(write_rows, file, rows)

            async def upload() -> None:
                # A second hand on the file: whoever sends it closes it.
                with os.fdopen(os.dup(file.fileno()), "rb") as content:
                    content.seek(0)
                    await self._api.upload(f"{self._url}/upload/storage/v1/b/{bucket}/o", query, content, _JSON_LINES)

            await self._api.patiently(upload)

    async def answers(self, job: BatchJob) -> AsyncIterator[Row]:
        """See `BatchStorage`."""
        bucket, prefix = _parts(job.output)
        for name in await self._files(bucket, f"{prefix}/"):
            async for line in self._api.lines(f"{self._url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}",
                                              {"alt": "media"}):  # fmt: skip
                if (row := _row(line)) is not None:
                    yield row

    async def _files(self, bucket: str, prefix: str) -> list[str]:
        names: list[str] = []
        query = {"prefix": prefix, "fields": "items(name),nextPageToken"}
        while True:
            url, asked = f"{self._url}/storage/v1/b/{bucket}/o", dict(query)
            found = await self._api.patiently(lambda: self._api.json("GET", url, query=asked))  # noqa: B023
            names += [str(item["name"]) for item in found.get("items", [])]
            if "nextPageToken" not in found:
                return sorted(name for name in names if name.endswith(".jsonl"))
            query["pageToken"] = str(found["nextPageToken"])


def write_rows(file: IO[bytes], rows: Iterable[Row]) -> None:
    """Writes rows as JSON lines."""
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    file.flush()


def _row(line: bytes) -> Row | None:
    try:
        row = read_json(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _parts(address: str) -> tuple[str, str]:
    bucket, _, name = address.removeprefix("gs://").partition("/")
    return bucket, name

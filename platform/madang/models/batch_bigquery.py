"""BigQuery as the place for a batch job's rows and answers, through Google's own client in threads.

Rows go into a table of the job's by a load job (free, and whole or not at all) whose id is made of the job's display
name: BigQuery refuses a second one with the same id, and the first one is waited for instead.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, TypeVar

from madang.errors import TransientFailure
from madang.models import google_token
from madang.models.batch_http import GoogleApi
from madang.models.batch_journal import BatchJob
from madang.models.batch_rows import Row, read_json
from madang.models.batch_spec import BatchModel
from madang.models.batch_storage import write_rows
from madang.models.http_errors import failure_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_TIMEOUT_SECONDS = 120.0
_LOAD_SECONDS = 3600.0
_PAGE_ROWS = 1000
_COLUMNS = ("request", "status", "response")
Made = TypeVar("Made")


class BigQueryStorage:
    """A dataset.

    Args:
        api: Whose patience is used.
        spec: The model's settings.
    """

    def __init__(self, api: GoogleApi, spec: BatchModel) -> None:
        self._api, self._spec = api, spec
        self._project, _, self._dataset = spec.storage.removeprefix("bq://").rpartition(".")

    def places(self, display_name: str) -> tuple[str, str]:
        """See `BatchStorage`."""
        table = f"{self._spec.storage}.{display_name.replace('-', '_')}"
        return f"{table}_rows", f"{table}_answers"

    def configs(self, job: BatchJob) -> dict[str, Any]:
        """See `BatchStorage`."""
        return {
            "inputConfig": {"instancesFormat": "bigquery", "bigquerySource": {"inputUri": job.input}},
            "outputConfig": {"predictionsFormat": "bigquery", "bigqueryDestination": {"outputUri": job.output}},
        }

    async def store(self, job: BatchJob, rows: Iterable[Row]) -> None:
        """See `BatchStorage`."""
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(write_rows, file, rows)
            size = file.tell()
            await self._api.patiently(lambda: self._called(lambda: self._load(job, file, size)))

    async def answers(self, job: BatchJob) -> AsyncIterator[Row]:
        """See `BatchStorage`."""
        pages = await self._called(lambda: self._pages(job.output))
        while (page := await self._called(lambda: next(pages, None))) is not None:
            for row in page:
                yield row

    async def _called(self, call: Callable[[], Made]) -> Made:
        """Calls the client in a thread; its errors become ours."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import TransportError
        from requests.exceptions import RequestException

        place = self._api.place
        try:
            return await asyncio.to_thread(call)
        except GoogleAPICallError as error:
            raise failure_of(f"{place}, BigQuery", error.code or 500, {}, b"{}", google_token.REMEDY) from error
        except (RetryError, TransportError, RequestException, TimeoutError) as error:
            culprit = f"no answer from BigQuery ({type(error).__name__})"
            raise TransientFailure(place, culprit, "Wait; it is tried again", usd=None) from error

    def _load(self, job: BatchJob, file: IO[bytes], size: int) -> None:
        """Loads a file into the job's table, or waits for the load job that does."""
        from google.api_core.exceptions import Conflict
        from google.cloud.bigquery import LoadJobConfig, SchemaField, SourceFormat, WriteDisposition

        config = LoadJobConfig(
            schema=[SchemaField("request", "JSON")], source_format=SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=WriteDisposition.WRITE_TRUNCATE,
        )  # fmt: skip
        for attempt in range(3):
            load_id = f"{job.display_name}-rows-{attempt}"
            try:
                loading: Any = self._client.load_table_from_file(
                    file, _table(job.input), rewind=True, size=size, job_id=load_id, job_config=config,
                    location=self._location, timeout=_TIMEOUT_SECONDS,
                )  # fmt: skip
            except Conflict:
                loading = self._client.get_job(load_id, location=self._location, timeout=_TIMEOUT_SECONDS)
            error = loading.exception(timeout=_LOAD_SECONDS)
            if error is None:
                return
            # The id of a load job that failed is spent.
        raise error

    def _pages(self, table: str) -> Iterator[list[Row]]:
        from google.api_core.exceptions import NotFound

        try:
            found = self._client.get_table(_table(table), timeout=_TIMEOUT_SECONDS)
        except NotFound:  # a job that answered nothing made none
            return
        columns = [field for field in found.schema if field.name in _COLUMNS]
        listed = self._client.list_rows(found, columns, page_size=_PAGE_ROWS, timeout=_TIMEOUT_SECONDS)
        for page in listed.pages:
            yield [_row(dict(row.items())) for row in page]

    @cached_property
    def _client(self) -> "Client":
        from google.cloud.bigquery import Client

        spec = self._spec
        options = {"api_endpoint": spec.bigquery_url} if spec.bigquery_url else None
        return Client(self._project, _credentials(is_local=spec.credentials == "local"), client_options=options)

    @property
    def _location(self) -> str | None:
        """Rows lie where the jobs run."""
        return None if self._spec.location == "global" else self._spec.location


def _credentials(*, is_local: bool) -> Any:
    if not is_local:
        return None
    from google.oauth2.credentials import Credentials

    return Credentials(token="local")  # type: ignore[no-untyped-call]  # noqa: S106


def _table(address: str) -> str:
    return address.removeprefix("bq://")


def _row(columns: dict[str, Any]) -> Row:
    """A row as Cloud Storage would hold it: JSON columns come as text or read, by the client's version."""
    read: Row = {
        name: read_json(value if isinstance(value, str) else json.dumps(value)) if name != "status" else value
        for name, value in columns.items()
        if value
    }
    return read

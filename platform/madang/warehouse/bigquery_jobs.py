"""Jobs of BigQuery: queries and loads by the real client, each labelled, under the cap, and sent again where it may be.

BigQuery's messages may quote a value, which may be the text of a post: only those that cannot go on to the user.
"""

import io
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

import polars as pl
import pyarrow as pa

from madang.errors import InputError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery
    from sqlglot import exp

    from madang.settings import BigQuerySettings

Kind = Literal["read", "commit", "load", "ensure", "lock"]

# The client's own limit is ten minutes, in which a wrong address looks like a hang.
_RETRY_SECONDS = 120
# How a message begins that quotes nothing but our own SQL and names; the client may put its call before it.
_SAYS_NO_VALUE = re.compile(
    r"([A-Z]+ https?://\S+: )?(Query error: )?"
    r"(Syntax error|Unrecognized name|Not found|Access Denied|Name \S+ not found|No matching signature|Query exceeded|"
    r"Transaction is aborted due to concurrent|Could not serialize access|madang:|Duplicate column|"
    r"(Already Exists: )?Table \S+ already|"
    r"\w+ or \w+ statement over table \S+ would affect rows in the streaming buffer)"
)
_IS_CONFLICT = re.compile(r"aborted due to concurrent|Could not serialize access|madang:")


class Conflict(WarehouseError):
    """Another writer was in the way: nothing was written, and the same may succeed now."""


class RowsAreArriving(WarehouseError):
    """Rows to change were streamed in a moment ago, and BigQuery does not let them be changed yet. Nothing was written.

    madang itself loads and never streams: somebody else writes to its tables.
    """


class Jobs:
    """Runs jobs in one project.

    Args:
        project: Id of the project that is billed.
        settings: Location and cap.
        client: Client to use, as Dagster supplies it; by default one of the environment's credentials.
    """

    def __init__(self, project: str, settings: "BigQuerySettings", client: "bigquery.Client | None" = None) -> None:
        from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

        self._project, self._settings = project, settings
        self._retry = DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)
        self._job_retry = DEFAULT_JOB_RETRY.with_timeout(_RETRY_SECONDS)
        self.client = client or _client(project, settings.location)

    def query(self, sql: str, kind: Kind, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Runs a query or a script to its end; rows of a script are those of its last statement.

        Raises:
            Conflict: Another writer was in the way.
            InputError: The query is wrong, or would read more than the cap.
            WarehouseError: BigQuery refuses or does not answer.
        """
        with self._told():
            job = self.client.query(
                sql, self._config(kind, parameters), job_id_prefix=f"madang_{kind}_", retry=self._retry,
                job_retry=self._job_retry, location=self._settings.location,
            )  # fmt: skip
            found = job.result(retry=self._retry, job_retry=self._job_retry)
            table = found.to_arrow(create_bqstorage_client=False)
        # Without the names of BigQuery's types, which polars would take for types of its own.
        frame = pl.from_arrow(table.cast(pa.schema([column.remove_metadata() for column in table.schema])))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def bytes_of(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Bytes that a query would read, which costs nothing to ask."""
        from google.cloud import bigquery

        config = self._config("read", parameters)
        config.dry_run = True
        with self._told():
            job: bigquery.QueryJob = self.client.query(sql, config, retry=self._retry, job_retry=None,
                                                       location=self._settings.location)  # fmt: skip
        return int(job.total_bytes_processed or 0)

    def load(
        self, rows: pl.DataFrame, table: "exp.Table", schema: Sequence["bigquery.SchemaField"], job_id: str
    ) -> None:  # fmt: skip
        """Loads rows into a table of their own, all or none.

        Args:
            rows: Its rows, with the schema's columns.
            table: Replaced if it is there.
            schema: Its columns.
            job_id: The load's identity: sent again after a reply that was lost, it is the same load.
        """
        from google.api_core.exceptions import Conflict as IsThere
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            schema=list(schema), source_format="PARQUET", write_disposition="WRITE_TRUNCATE",
            labels=self._labels("load"),
        )  # fmt: skip
        config.parquet_options = bigquery.ParquetOptions()  # type: ignore[no-untyped-call]
        config.parquet_options.enable_list_inference = True
        content = io.BytesIO()
        rows.write_parquet(content, compression="zstd")
        location = self._settings.location

        def send() -> Any:
            try:
                return self.client.load_table_from_file(
                    content, reference(table), rewind=True, job_id=job_id, job_config=config, location=location
                )
            except (IsThere, NotFound):  # it came through, and its answer did not; the upload itself is gone then
                return self.client.get_job(job_id, retry=self._retry, location=location)

        with self._told():
            job = self._retry(send)()
            job.result(retry=self._retry)
        if job.output_rows is not None and job.output_rows != rows.height:
            raise WarehouseError(
                reference(table), f"{job.output_rows} of {rows.height} rows were loaded",
                "Run again: nothing was merged",
            )  # fmt: skip

    def table(self, name: str) -> "bigquery.Table | None":
        """A table or view `project.dataset.table`; None if there is none."""
        from google.api_core.exceptions import NotFound

        with self._told(), suppress(NotFound):
            return self.client.get_table(name, retry=self._retry)
        return None

    def datasets(self, project: str) -> list[str]:
        """Names of a project's datasets."""
        with self._told():
            return [item.dataset_id for item in self.client.list_datasets(project, retry=self._retry)]

    def dataset(self, name: str) -> "bigquery.Dataset":
        """A dataset `project.dataset`."""
        with self._told():
            return self.client.get_dataset(name, retry=self._retry)

    def tables(self, dataset: str) -> "list[bigquery.table.TableListItem]":
        """Tables and views of `project.dataset`."""
        with self._told():
            return list(self.client.list_tables(dataset, retry=self._retry))

    def make_dataset(self, dataset: "bigquery.Dataset") -> None:
        """Makes a dataset if there is none."""
        with self._told():
            self.client.create_dataset(dataset, exists_ok=True, retry=self._retry)

    def forget(self, tables: Sequence[str]) -> None:
        """Deletes staging tables `project.dataset.table`; what stays expires with its dataset's default."""
        from google.api_core.exceptions import GoogleAPIError

        for table in tables:
            with suppress(GoogleAPIError):
                self.client.delete_table(table, not_found_ok=True, timeout=_RETRY_SECONDS)

    @contextmanager
    def _told(self) -> "Iterator[None]":
        """Turns the client's errors into ours."""
        from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            yield
        except GoogleAPICallError as error:
            raise self._error(error) from None
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise WarehouseError(
                self._project, f"BigQuery does not answer ({type(error).__name__})",
                "Check the network and the credentials; what was committed is safe",
            ) from None  # fmt: skip

    def _error(self, error: Any) -> Exception:
        reason = next((found.get("reason", "") for found in error.errors or []), "") or type(error).__name__
        message = str(error.message).splitlines()[0] if error.message else ""
        is_plain = _SAYS_NO_VALUE.match(message) is not None  # else it may quote a post
        told = f"{reason}: {message}" if is_plain else reason
        if is_plain and _IS_CONFLICT.search(message):
            return Conflict(self._project, told, "Run again: nothing was written")
        if is_plain and "streaming buffer" in message:
            return RowsAreArriving(self._project, told, "Run again in 90 minutes: BigQuery has settled them by then")
        if reason == "bytesBilledLimitExceeded" or "Query exceeded limit for bytes billed" in message:
            return InputError(
                "query", f"it would read more than most_bytes_billed, {self._settings.most_bytes_billed} bytes",
                "Read fewer days or columns, or raise `most_bytes_billed` of [tool.madang.bigquery]",
            )  # fmt: skip
        if error.code == 400:
            return InputError("query", f"BigQuery refuses it ({told})", "Correct it; values are not shown here")
        return WarehouseError(self._project, f"BigQuery answers {error.code} ({told})",
                              "Check the project, the location and the credentials' roles")  # fmt: skip

    def _config(self, kind: Kind, parameters: Mapping[str, object] | None) -> "bigquery.QueryJobConfig":
        from google.cloud import bigquery

        return bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(name, _type(value), cast("str", value))
                for name, value in (parameters or {}).items()
            ],
            labels=self._labels(kind),
            maximum_bytes_billed=self._settings.most_bytes_billed,
        )

    @staticmethod
    def _labels(kind: Kind) -> dict[str, str]:
        return {"application": "madang", "kind": kind}


def job_id() -> str:
    """Identity of a load that is about to be sent."""
    return f"madang_load_{uuid.uuid4().hex}"


def reference(table: "exp.Table") -> str:
    """`project.dataset.table`, as the client takes it."""
    return f"{table.catalog}.{table.db}.{table.name}"


def _client(project: str, location: str) -> "bigquery.Client":
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import bigquery

    if os.environ.get("BIGQUERY_EMULATOR_HOST"):
        return bigquery.Client(project, AnonymousCredentials(), location=location)  # type: ignore[no-untyped-call]
    try:
        return bigquery.Client(project, location=location)
    except DefaultCredentialsError as error:
        raise WarehouseError(
            project, "there are no credentials of Google Cloud",
            "Set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login",
        ) from error  # fmt: skip


def _type(value: object) -> str:
    from datetime import date, datetime

    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FLOAT64"
        case datetime():
            return "TIMESTAMP"
        case date():
            return "DATE"
    return "STRING"

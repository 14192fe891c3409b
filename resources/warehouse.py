"""The warehouse and the settings beside it. No asset logic here."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from madang.settings import BigQueryAddress, Settings
from madang.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from google.cloud import bigquery


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # yields clients through its methods
    """Opens the warehouse of this process's settings (MADANG_HOME, pyproject.toml).

    A warehouse in BigQuery is opened with the environment's credentials, or with those that dagster-gcp supplies.
    """

    gcp_credentials: str | None = None
    """Key of a service account, in base64, as dagster-gcp takes it; use `dg.EnvVar`. None: the environment's own."""

    def settings(self) -> Settings:
        """The project's settings."""
        return Settings.load()

    @contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Warehouse]:
        """A connection for as long as the block runs."""
        settings = self.settings()
        with ExitStack() as stack:
            client = stack.enter_context(self._client(settings))
            warehouse = open_warehouse(settings, read_only=read_only, client=client)
            stack.callback(warehouse.close)
            yield warehouse

    @contextmanager
    def _client(self, settings: Settings) -> "Iterator[bigquery.Client | None]":
        if self.gcp_credentials is None or not isinstance(settings.warehouse, BigQueryAddress):
            yield None
            return
        from dagster_gcp import BigQueryResource

        supplied = BigQueryResource(
            project=settings.warehouse.project, location=settings.bigquery.location,
            gcp_credentials=self.gcp_credentials,
        )  # fmt: skip
        with supplied.get_client() as client:
            yield client

"""The warehouse and the settings beside it. No asset logic here."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from madang.settings import BigQueryAddress, Settings
from madang.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from dagster_gcp import BigQueryResource
    from google.cloud import bigquery


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # yields clients through its methods
    """Opens the warehouse of this process's settings (MADANG_HOME, pyproject.toml).

    A warehouse in BigQuery is opened with the environment's credentials, or with those that dagster-gcp supplies.
    dagster-gcp writes a key to a file that only this user can read, names it in GOOGLE_APPLICATION_CREDENTIALS, and
    removes both. It refuses where that variable is set already: of two keys nobody could say which one is meant.
    """

    gcp_credentials: str | None = None
    """Key of a service account, in base64, as dagster-gcp takes it; use `dg.EnvVar`. None: the environment's own."""

    def settings(self) -> Settings:
        """The project's settings."""
        return Settings.load()

    @contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Warehouse]:
        """A connection for as long as the block runs. Blocks may lie in one another."""
        settings = self.settings()
        with closing(open_warehouse(settings, read_only=read_only, client=self._client(settings))) as warehouse:
            yield warehouse

    @contextmanager
    def credentials(self) -> Iterator[None]:
        """The credentials in this process's environment: for Feast, which makes clients of its own.

        No `open` inside: dagster-gcp would find the variable set.
        """
        settings = self.settings()
        if self.gcp_credentials is None or not isinstance(settings.warehouse, BigQueryAddress):
            yield
            return
        with self._supplied(settings).get_client():
            yield

    def _client(self, settings: Settings) -> "bigquery.Client | None":
        """A client that holds the key itself: what is written down for it is gone once it is made."""
        if self.gcp_credentials is None or not isinstance(settings.warehouse, BigQueryAddress):
            return None
        with self._supplied(settings).get_client() as client:
            return client

    def _supplied(self, settings: Settings) -> "BigQueryResource":
        from dagster_gcp import BigQueryResource

        assert isinstance(settings.warehouse, BigQueryAddress)
        return BigQueryResource(
            project=settings.warehouse.project, location=settings.bigquery.location,
            gcp_credentials=self.gcp_credentials,
        )  # fmt: skip

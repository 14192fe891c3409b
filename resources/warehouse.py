"""The warehouse and the settings beside it. No asset logic here."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from madang.settings import Settings
from madang.warehouse import Warehouse, open_warehouse


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # yields clients through its methods
    """Opens the warehouse of this process's settings (MADANG_HOME, pyproject.toml)."""

    def settings(self) -> Settings:
        """The project's settings."""
        return Settings.load()

    @contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Warehouse]:
        """A connection for as long as the block runs."""
        warehouse = open_warehouse(self.settings(), read_only=read_only)
        try:
            yield warehouse
        finally:
            warehouse.close()

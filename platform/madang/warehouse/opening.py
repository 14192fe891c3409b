"""Which warehouse the settings ask for."""

import os
from typing import TYPE_CHECKING

from madang.errors import WarehouseError
from madang.settings import BigQueryAddress, Settings
from madang.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    from google.cloud import bigquery


def open_warehouse(
    settings: Settings, *, read_only: bool = False, client: "bigquery.Client | None" = None
) -> Warehouse:  # fmt: skip
    """Opens the warehouse, creating it on first use (unless `read_only`).

    Args:
        settings: Where it is.
        read_only: Whether it is only read.
        client: Client of BigQuery to use; by default one of the environment's credentials.

    Raises:
        WarehouseError: It cannot be opened, a newer madang wrote it, or it is for another home alone.
    """
    from madang.warehouse.ducklake import DuckLakeWarehouse

    if isinstance(settings.warehouse, BigQueryAddress):
        from madang.warehouse.bigquery import BigQueryWarehouse

        address = settings.warehouse
        return BigQueryWarehouse(
            address.project, address.dataset, settings.bigquery, read_only=read_only, client=client
        )
    folder = settings.warehouse_folder
    if settings.is_warehouse_shared and not read_only and (folder.parent / "claims.sqlite").exists():
        raise WarehouseError(
            folder, f"it belongs to the home {folder.parent} alone, whose runs would not see ours",
            "Name a folder outside of every home as `warehouse` in the settings of all that share it",
        )  # fmt: skip
    # Arrow would warn of each frame of polars whose buffers begin where it does not like them: x86 and ARM read those.
    os.environ.setdefault("ACERO_ALIGNMENT_HANDLING", "ignore")
    return DuckLakeWarehouse(folder, read_only=read_only)


def is_there(settings: Settings) -> bool:
    """Whether there is a warehouse to read; one in BigQuery is taken to be."""
    return isinstance(settings.warehouse, BigQueryAddress) or (settings.warehouse_folder / "catalog.sqlite").is_file()

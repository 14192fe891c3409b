"""Which warehouse the settings ask for."""

from madang.settings import Settings
from madang.warehouse.protocol import Warehouse


def open_warehouse(settings: Settings, *, read_only: bool = False) -> Warehouse:
    """Opens the warehouse, creating the embedded one on first use (unless `read_only`).

    Raises:
        WarehouseError: It cannot be opened, or a newer madang wrote it.
    """
    from madang.warehouse.ducklake import DuckLakeWarehouse

    return DuckLakeWarehouse(settings.home / "warehouse", read_only=read_only)

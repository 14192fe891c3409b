"""Which warehouse the settings ask for."""

from madang.errors import WarehouseError
from madang.settings import Settings
from madang.warehouse.protocol import Warehouse


def open_warehouse(settings: Settings, *, read_only: bool = False) -> Warehouse:
    """Opens the warehouse, creating the embedded one on first use (unless `read_only`).

    Raises:
        WarehouseError: It cannot be opened, a newer madang wrote it, or it is for another home alone.
    """
    from madang.warehouse.ducklake import DuckLakeWarehouse

    folder = settings.warehouse_folder
    if settings.is_warehouse_shared and not read_only and (folder.parent / "claims.sqlite").exists():
        raise WarehouseError(
            folder, f"it belongs to the home {folder.parent} alone, whose runs would not see ours",
            "Name a folder outside of every home as `warehouse` in the settings of all that share it",
        )  # fmt: skip
    return DuckLakeWarehouse(folder, read_only=read_only)

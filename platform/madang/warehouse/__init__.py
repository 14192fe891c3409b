"""The warehouse: one Protocol, one module a dialect."""

from madang.warehouse.protocol import Change, Warehouse
from madang.warehouse.opening import open_warehouse

__all__ = ["Change", "Warehouse", "open_warehouse"]

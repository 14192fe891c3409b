"""The warehouse: one Protocol, one module a dialect."""

from madang.warehouse.opening import open_warehouse
from madang.warehouse.protocol import Change, Warehouse

__all__ = ["Change", "Warehouse", "open_warehouse"]

"""Dagster resources: typed configuration that yields a client, nothing else."""

from resources.warehouse import WarehouseResource

__all__ = ["WarehouseResource"]

"""Days. Belongs here: how partitions are cut. Does not: which of them need work (madang.extraction.plan)."""

from datetime import date

import dagster as dg

from madang.extraction.plan import Days
from madang.settings import Settings

_SETTINGS = Settings.load()
DAYS = dg.DailyPartitionsDefinition(_SETTINGS.first_day.isoformat(), timezone=_SETTINGS.timezone, end_offset=1)


def days_of_run(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Days:
    """First and last day of a run's partitions, both included; every day where a run has none."""
    if not context.has_partition_key_range and not context.has_partition_key:
        return date.min, date.max
    keys = context.partition_key_range if context.has_partition_key_range else None
    first, last = (keys.start, keys.end) if keys else (context.partition_key, context.partition_key)
    return date.fromisoformat(first), date.fromisoformat(last)

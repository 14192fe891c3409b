"""Money of the day: what all runs together have spent since midnight in the project's zone."""

from datetime import datetime, time

from madang.ops import LEDGER
from madang.settings import Settings
from madang.warehouse.protocol import Warehouse


def spent_today_usd(warehouse: Warehouse, settings: Settings) -> float:
    """US dollars of calls sent today; an unknown outcome counts at what it had reserved."""
    if not warehouse.has(LEDGER.name):
        return 0.0
    midnight = datetime.combine(datetime.now(settings.zone).date(), time(), settings.zone)
    found = warehouse.read("SELECT coalesce(sum(usd), 0) AS usd FROM ops.ledger WHERE sent_at >= ?", [midnight])
    return float(found["usd"][0])


def today(settings: Settings) -> str:
    """The day on whose account calls are now, YYYY-MM-DD in the project's zone."""
    return datetime.now(settings.zone).date().isoformat()

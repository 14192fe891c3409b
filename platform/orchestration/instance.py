"""The Dagster instance of a home: a `dagster.yaml` of ours, rewritten whenever it differs."""

from pathlib import Path

from assets.attributes import LOCAL_MODEL_POOL
from madang.settings import Settings

_CONFIGURATION = f"""\
# Written by madang; changes are lost.
telemetry: {{enabled: false}}
nux: {{enabled: false}}
concurrency:
  pools:
    granularity: run
    default_limit: 1
  runs:
    max_concurrent_runs: 4
run_monitoring: {{enabled: true}}
# A run whose process died is started again; a run that failed is not: its error is for a person.
run_retries: {{enabled: true, max_retries: 1, retry_on_asset_or_op_failure: false}}
# Pool {LOCAL_MODEL_POOL}: one run at a time; the command line is kept out by the model's own file lock.
"""


def ensure_instance(settings: Settings) -> Path:
    """Writes the instance's configuration if it is missing.

    Returns:
        The folder for DAGSTER_HOME.
    """
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    (settings.home / "inbox").mkdir(exist_ok=True)
    file = folder / "dagster.yaml"
    if not file.exists() or file.read_text() != _CONFIGURATION:
        file.write_text(_CONFIGURATION)
    return folder

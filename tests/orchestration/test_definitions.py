"""What Dagster loads, as a page of text: a change of the graph shows as a change of `graph.txt`."""

from pathlib import Path

import dagster as dg

from orchestration.definitions import defs

GRAPH = Path(__file__).with_name("graph.txt")


def graph(definitions: dg.Definitions) -> str:
    """Assets with what they come from, checks, jobs, sensors and schedules."""
    repository = definitions.get_repository_def()
    nodes = repository.asset_graph
    assets = sorted(nodes.get_all_asset_keys())
    lines = [
        f"{key.to_user_string()} [{nodes.get(key).group_name}] <- "
        + (", ".join(sorted(parent.to_user_string() for parent in nodes.get(key).parent_keys)) or "files")
        for key in assets
    ]
    checks: dict[str, list[str]] = {}
    for check in sorted(nodes.asset_check_keys):
        checks.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    lines += [f"checks of {asset}: {', '.join(names)}" for asset, names in checks.items()]
    lines += [
        f"job {job.name}" for job in sorted(repository.get_all_jobs(), key=lambda job: job.name) if job.name[0] != "_"
    ]
    lines += [
        f"sensor {sensor.name} every {sensor.minimum_interval_seconds} s, {sensor.default_status.value}"
        for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
    ]
    lines += [
        f"schedule {schedule.name} at {schedule.cron_schedule} {schedule.execution_timezone}, "
        f"{schedule.default_status.value}"
        for schedule in repository.schedule_defs
    ]
    return "\n".join(lines) + "\n"


def test_the_graph_is_the_one_written_down() -> None:
    assert graph(defs()) == GRAPH.read_text()


def test_every_asset_of_days_runs_a_range_in_one_run() -> None:
    nodes = defs().get_repository_def().asset_graph

    by_day = [node for key in nodes.get_all_asset_keys() if (node := nodes.get(key)).partitions_def]
    policies = {node.backfill_policy for node in by_day}
    first_days = {node.partitions_def.get_first_partition_key() for node in by_day}
    assert (policies, first_days) == ({dg.BackfillPolicy.single_run()}, {"2016-01-01"})


def test_only_extraction_waits_for_the_local_model() -> None:
    nodes = defs().get_repository_def().assets_defs_by_key

    pools = {key.to_user_string(): asset.op.pool for key, asset in nodes.items() if asset.op.pool}
    assert pools == {"attributes/groups": "local_model", "evaluation/groups": "local_model"}

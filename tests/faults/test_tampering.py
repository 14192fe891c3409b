"""What somebody takes away behind madang's back is missed: the completeness check says so until it is made good."""

from faults.shipped import Ended, Shipped, whole_records
from scenario import ALL_DAYS, Project, posts

from madang.extraction.checks import completeness

COUNT = 30


def completeness_line(ended: Ended) -> str:
    [line] = [line for line in ended.out.splitlines() if "groups: completeness" in line]
    return line


def test_a_record_removed_from_the_spool_is_missed_until_somebody_acknowledges_it(project: Project) -> None:
    shipped = Shipped(project)
    project.ingest(*posts(COUNT))
    assert shipped.run("run", "groups", kill_at=20, seconds=0.1).code == -9
    [log] = shipped.logs()
    records = {record["request_hash"]: raw for record, raw in whole_records(log.read_bytes())}
    taken = next(request for _, request in shipped.claims("received") if request in records)
    log.write_bytes(b"".join(raw for request, raw in records.items() if request != taken))

    again = shipped.run("run", "groups")
    red = shipped.run("check")

    assert again.code == 0, again
    assert "warning: 1 replies were received by an earlier run and are gone" in again.err
    assert project.rows("SELECT request_hash FROM ops.ledger WHERE outcome = 'lost'") == [(taken,)]
    assert red.code == 1, red
    assert completeness_line(red) == (
        f"FAILED  groups: completeness: {COUNT} planned = {COUNT} extracted + 0 quarantined + 0 pending; "
        "1 received replies are gone from the spool"
    )
    assert not completeness(project.warehouse, project.task(), ALL_DAYS).passed
    # The lost reply had to be asked for again; it is the only one beside those that were in flight.
    assert {request for request, times in shipped.sent().items() if times == 2} == {taken, *shipped.unknown()}
    assert max(shipped.sent().values()) == 2

    green = shipped.run("check", "--acknowledge-lost", "groups")

    assert green.code == 0, green
    assert "1 lost replies of groups acknowledged" in green.out
    assert completeness_line(green) == (
        f"ok      groups: completeness: {COUNT} planned = {COUNT} extracted + 0 quarantined + 0 pending"
    )


def test_a_row_deleted_behind_its_back_is_missed_and_made_again_without_a_request(project: Project) -> None:
    shipped = Shipped(project)
    project.ingest(*posts(COUNT))
    assert shipped.run("run", "groups").code == 0
    before = project.rows("SELECT * EXCLUDE (extracted_at) FROM attributes.groups ORDER BY post_id")
    assert project.take_away(project.task().table, "post_id = 'p07'") == 1

    red = completeness(project.warehouse, project.task(), ALL_DAYS)
    again = shipped.run("run", "groups")
    green = completeness(project.warehouse, project.task(), ALL_DAYS)

    assert not red.passed
    assert red.summary == f"{COUNT} planned ≠ {COUNT - 1} extracted + 0 quarantined + 0 pending on 1 days"
    assert again.code == 0, again
    assert "1 extracted, 0 quarantined, 0 pending; 0 requests sent, 1 reused" in again.out
    assert shipped.sent().total() == COUNT
    assert green.passed
    assert project.rows("SELECT * EXCLUDE (extracted_at) FROM attributes.groups ORDER BY post_id") == before

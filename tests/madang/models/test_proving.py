"""The proving server itself: times, faults, deaths and batch jobs are what its script says."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.cloud import storage
from google.genai import types
from google.oauth2.credentials import Credentials
from proving import BatchScript, Kill, Latency, Proving, RowRule, Rule, Script
from proving.asking import SCHEMA, ask, gemini, openai, request
from proving.script import Window, uniform

from madang.models.protocol import Failure, Reply


@pytest.fixture(scope="module")
def vertex(running: Proving) -> Iterator[genai.Client]:
    """Google's own client."""
    options = types.HttpOptions(base_url=running.url, api_version="v1")
    with genai.Client(vertexai=True, project="p", location="us-central1", http_options=options,
                      credentials=Credentials(token="local")) as client:  # fmt: skip
        yield client


@pytest.fixture(scope="module")
def bucket(running: Proving) -> Iterator[storage.Bucket]:
    """A bucket, through Google's own client."""
    client = storage.Client("p", Credentials(token="local"), client_options={"api_endpoint": running.url})
    yield client.bucket("rows")
    client.close()


def outcomes(server: Proving, count: int, tag: str) -> list[str]:
    """What became of posts, one after the other: ok or the class of the failure."""
    found = ask(openai(server, concurrency=1), *(request(f"{tag} {number}") for number in range(count)))
    return ["ok" if isinstance(one, Reply) else one.failure for one in found]


def test_the_real_client_is_answered_the_truth(server: Proving, vertex: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=SCHEMA, response_logprobs=True, logprobs=2
    )

    answer = vertex.models.generate_content(model="gemini-2.5-flash", contents="running 모집", config=config)

    assert answer.text == '{"topics": ["running"], "is_open": true, "word": "running"}'
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == len(answer.candidates[0].logprobs_result.chosen_candidates)


def test_every_request_is_written_down_before_it_is_answered(server: Proving) -> None:
    server.tell(None, Rule(fault="drop"))
    asked = request("written down")

    ask(gemini(server), asked)

    assert (server.lines()[-1]["id"], server.lines()[-1]["fault"]) == (asked.hash, "drop")


def test_faults_strike_by_number_share_and_attempt(server: Proving) -> None:
    server.tell(
        None, Rule(fault="bad_request", holds="often", share=0.3), Rule(fault="bad_request", holds="once", times=1)
    )
    struck = [uniform(0, "bad_request", request(f"often {number}").hash) < 0.3 for number in range(30)]

    often, first, second = outcomes(server, 30, "often"), outcomes(server, 1, "once"), outcomes(server, 1, "once")

    assert [one == "permanent" for one in often] == struck
    assert 3 <= sum(struck) <= 15
    assert (first, second) == (["permanent"], ["ok"])


def test_a_window_opens_at_the_end_of_each_period(server: Proving) -> None:
    server.tell(None, Rule(fault="unavailable", window=Window(open_seconds=0.2, period_seconds=0.4)))
    found: list[str] = []
    deadline = time.monotonic() + 10
    while len(set(found)) < 2 and time.monotonic() < deadline:
        found += outcomes(server, 1, f"window {len(found)}")

    assert set(found) == {"ok", "transient"}


def test_latency_is_drawn_from_the_request(server: Proving) -> None:
    latency = Latency(kind="lognormal", seconds=0.01, sigma=0.5)
    server.tell(Script(seed=3, latency=latency))
    asked = [request(f"latency {number}") for number in range(40)]

    ask(gemini(server), *asked)
    logged = {line["id"]: line["seconds"] for line in server.lines()[-40:]}

    assert logged == {
        one.hash: pytest.approx(latency.draw(uniform(3, "latency", one.hash, 1)), abs=1e-6) for one in asked
    }
    assert 0.005 < sorted(logged.values())[20] < 0.02


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_dies_at_the_nth_request(server: Proving, moment: Any) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    server.tell(Script(kill=Kill(pid=victim.pid, at=3, on="model", moment=moment)))

    outcomes(server, 2, f"alive {moment}")
    alive = victim.poll()
    outcomes(server, 1, f"dead {moment}")

    assert (alive, victim.wait(timeout=10)) == (None, -signal.SIGKILL)


def rows(tag: str, count: int) -> list[dict[str, Any]]:
    """Rows of a batch file, each with a label of its own."""
    config = {"responseJsonSchema": SCHEMA, "maxOutputTokens": 100}
    return [
        {"request": {"contents": [{"role": "user", "parts": [{"text": f"running 모집 {tag} {number}"}]}],
                     "generationConfig": config, "labels": {"request": f"{tag}-{number}"}}}
        for number in range(count)
    ]  # fmt: skip


def job_of(vertex: genai.Client, bucket: storage.Bucket, tag: str, count: int = 6) -> tuple[Any, list[dict[str, Any]]]:
    """A job run to its end, and the rows it wrote."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(tag, count))
    bucket.blob(f"in/{tag}.jsonl").upload_from_string(text)
    config = types.CreateBatchJobConfig(display_name=tag, dest=f"gs://rows/out/{tag}")
    job = vertex.batches.create(model="gemini-2.5-flash", src=f"gs://rows/in/{tag}.jsonl", config=config)
    assert job.name is not None
    deadline = time.monotonic() + 10
    while not job.done and time.monotonic() < deadline:
        time.sleep(0.02)
        job = vertex.batches.get(name=job.name)
    written = [blob.download_as_text() for blob in bucket.client.list_blobs("rows", prefix=f"out/{tag}/")]
    return job, [json.loads(line) for file in written for line in file.splitlines()]


def label(row: dict[str, Any]) -> str:
    return str(row["request"]["labels"]["request"])


def test_a_batch_job_answers_its_rows_in_another_order(
    server: Proving, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    server.tell(Script(batch=BatchScript(seconds=0.1)))

    job, written = job_of(vertex, bucket, "good")
    texts = {row["response"]["candidates"][0]["content"]["parts"][0]["text"] for row in written}

    assert job.state == types.JobState.JOB_STATE_SUCCEEDED
    assert sorted(map(label, written)) == [f"good-{number}" for number in range(6)]
    assert [label(row) for row in written] != sorted(map(label, written))
    assert texts == {'{"topics": ["running"], "is_open": true, "word": "running"}'}
    assert [one.name for one in vertex.batches.list(config={"filter": 'displayName="good"'})] == [job.name]
    assert list(vertex.batches.list(config={"filter": 'displayName="none"'})) == []


@pytest.mark.parametrize(
    ("fault", "state", "count"),
    [("empty", "SUCCEEDED", 0), ("failed", "FAILED", 0), ("all_rows_failed", "SUCCEEDED", 6)],
)
def test_a_batch_job_goes_wrong(
    server: Proving, vertex: genai.Client, bucket: storage.Bucket, fault: Any, state: str, count: int
) -> None:
    server.tell(Script(batch=BatchScript(seconds=0.02, fault=fault)))

    job, written = job_of(vertex, bucket, fault)

    assert (job.state.name, len(written)) == (f"JOB_STATE_{state}", count)
    assert not any(row["response"] for row in written)


@pytest.mark.parametrize(("fault", "count"), [("missing", 4), ("doubled", 8), ("wrong_id", 6), ("error", 6)])
def test_rows_of_a_batch_job_go_wrong(
    server: Proving, vertex: genai.Client, bucket: storage.Bucket, fault: Any, count: int
) -> None:
    server.tell(Script(batch=BatchScript(seconds=0.02, rows=(RowRule(fault=fault, every=3),))))
    expected = {f"{fault}-{number}" for number in range(6)}

    _, written = job_of(vertex, bucket, fault)
    known = {label(row) for row in written if row["status"] == ""} & expected

    assert len(written) == count
    assert known == (expected if fault == "doubled" else expected - {f"{fault}-2", f"{fault}-5"})


def test_a_created_job_may_be_lost_on_its_way_back(
    server: Proving, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    """The connection breaks after the job was made: creating it again would be a second paid job."""
    server.tell(Script(batch=BatchScript(fault="create_lost")))
    bucket.blob("in/lost.jsonl").upload_from_string(json.dumps(rows("lost", 1)[0]))
    config = types.CreateBatchJobConfig(display_name="lost", dest="gs://rows/out/lost")

    with pytest.raises(Exception, match=r"(?i)reset|disconnect|closed|error"):
        vertex.batches.create(model="gemini-2.5-flash", src="gs://rows/in/lost.jsonl", config=config)

    assert len(list(vertex.batches.list(config={"filter": 'displayName="lost"'}))) == 1


def test_storage_keeps_bytes_as_they_are(server: Proving, bucket: storage.Bucket) -> None:
    data = b"one\r\ntwo\n\n--x\x00" * 60_000
    small, large = bucket.blob("small"), bucket.blob("large", chunk_size=256 * 1024)

    small.upload_from_string(data)
    large.upload_from_string(data)

    assert small.download_as_bytes() == data
    assert large.download_as_bytes() == data
    assert small.download_as_bytes(start=3, end=9) == data[3:10]


def test_two_hundred_calls_are_in_flight_at_once(server: Proving) -> None:
    server.tell(Script(latency=Latency(seconds=0.5)))

    found = ask(gemini(server, concurrency=200, logprobs=0), *(request(f"many {number}") for number in range(400)))

    assert not [one for one in found if isinstance(one, Failure)]
    assert server.counters()["most_in_flight"] == 200

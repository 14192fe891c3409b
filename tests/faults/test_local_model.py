"""The real local model behind the shipped command line: what it answers, how often it is asked, what it refuses."""

import os
import re
import time
from pathlib import Path

import pytest
from faults.shipped import MADANG, Ended, Life
from faults.speaking import say
from filelock import FileLock
from scenario import DAY, Project, post

from madang.errors import ModelFileError
from madang.models.gguf_file import find_gguf
from madang.models.specs import PACKAGED_FILE, PACKAGED_SHA256
from madang.ops import REPLIES

RUNNERS = post("p1", "매주 목요일 저녁에 안양천을 같이 뛸 분을 모집합니다. 20대와 30대 환영해요.", title="러닝 크루")
WALKERS = post("p2", "석촌호수 아침 걷기, 50대 이상 여성분들 편하게 오세요.", title="걷기 모임")
TOO_LONG = post("p3", "같이 산에 갑시다. " * 1200)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged file, joined once."""
    try:
        return find_gguf(PACKAGED_FILE, tmp_path_factory.mktemp("gemma"), PACKAGED_SHA256)
    except ModelFileError as error:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(str(error))


def start(project: Project, *arguments: str, **environment: str) -> Life:
    """Starts `madang …` in a project."""
    return Life([str(MADANG), *arguments], project.environment | environment)


def run(project: Project, *arguments: str, **environment: str) -> Ended:
    """Runs `madang …` to its end."""
    with start(project, *arguments, **environment) as life:
        return life.end()


def use_local(project: Project, file: Path, slots: int) -> None:
    """Makes both models of the project local ones of the same file."""
    model = f'lane = "local"\nfile = "{file}"\nsha256 = "{PACKAGED_SHA256}"\nslots = {slots}\n'
    tables = (f"[tool.madang.models.{name}]\n{model}" for name in ("local", "larger"))
    (project.folder / "madang.toml").write_text("".join(tables))


@pytest.mark.service
def test_posts_become_rows_and_a_second_run_sends_nothing_and_changes_nothing(project: Project, gemma: Path) -> None:
    use_local(project, gemma, slots=2)
    project.ingest(RUNNERS, WALKERS, TOO_LONG)

    ended = run(project, "run", "groups")

    assert ended.code == 0, ended
    assert "groups@1: 2 extracted, 1 quarantined, 0 pending; 3 requests sent, 0 reused" in ended.out
    assert project.rows("SELECT post_id, day, lane, model, status FROM attributes.groups ORDER BY post_id") == [
        ("p1", DAY, "local", f"local:{PACKAGED_SHA256}", "ok"), ("p2", DAY, "local", f"local:{PACKAGED_SHA256}", "ok"),
    ]  # fmt: skip
    assert project.rows("SELECT post_id, failure FROM ops.quarantine") == [("p3", "too_long")]
    assert project.rows("SELECT outcome, count(*) FROM ops.ledger GROUP BY outcome ORDER BY outcome") == [
        ("ok", 2), ("too_long", 1),
    ]  # fmt: skip
    before = project.warehouse.snapshot

    began = time.monotonic()
    again = run(project, "run", "groups")

    say(f"second run: {time.monotonic() - began:.1f} s")
    assert again.code == 3, again
    assert "nothing is pending (1 quarantined, 2 unchanged)" in again.err
    assert project.rows("SELECT count(*) FROM ops.ledger") == [(3,)]
    assert project.warehouse.snapshot == before

    # Asked once more, in another process and without its neighbour, the model says the same.
    [answer] = project.rows("SELECT r.* EXCLUDE (latency_seconds, received_at, cached_tokens) FROM ops.replies r "
                            "JOIN attributes.groups a USING (request_hash) WHERE a.post_id = 'p2'")  # fmt: skip
    assert project.take_away(REPLIES, f"request_hash = '{answer[0]}'") == 1
    assert project.take_away(project.task().table, "post_id = 'p2'") == 1
    assert run(project, "run", "groups").code == 0
    assert project.rows("SELECT count(*) FROM ops.ledger") == [(4,)]
    assert project.rows("SELECT * EXCLUDE (latency_seconds, received_at, cached_tokens) FROM ops.replies "
                        "WHERE request_hash = ?", answer[0]) == [answer]  # fmt: skip


@pytest.mark.service
def test_two_runs_started_together_ask_the_local_model_once_each(project: Project, gemma: Path) -> None:
    """The posts take two models, as after a fallback: a run that held the model's lock once waited for itself."""
    use_local(project, gemma, slots=1)
    routes = [{"when": "chars < 45", "use": "local", "max_tokens": 96}, {"use": "larger", "max_tokens": 96}]
    project.edit("groups", lambda task: task.update(models=routes))
    project.ingest(RUNNERS, WALKERS)
    (project.home / "models").mkdir()
    model_lock = FileLock(project.home / "models" / "local.lock")

    with (
        model_lock,
        start(project, "run", "groups") as first,
        start(project, "run", "groups") as second,
    ):
        # Neither can load the model before both have planned.
        planned = [life.line("posts planned") for life in (first, second)]
        model_lock.release()
        ended = [first.end(), second.end()]

    assert ["2 posts planned (2 new)" in line for line in planned] == [True, True]
    assert [end.code for end in ended] == [0, 0], ended
    assert project.rows("SELECT outcome, count(*), count(DISTINCT request_hash) FROM ops.ledger GROUP BY outcome") == [
        ("ok", 2, 2)
    ]
    assert project.rows("SELECT post_id FROM attributes.groups ORDER BY post_id") == [("p1",), ("p2",)]


@pytest.mark.parametrize(
    ("content", "sha256", "says"),
    [
        (
            b"GGUF and more",
            "0" * 64,
            r"its sha256 is [0-9a-f]{64}, not 0{64}\. Delete it and fetch it again, or correct the setting",
        ),
        (b"PK\x03\x04 zip", None, r"it starts with b'PK\\x03\\x04', not b'GGUF'\. Give a GGUF file"),
        (None, None, r"there is no file \S+\. Set MADANG_LOCAL_MODEL to a path"),
    ],
    ids=["wrong-hash", "no-gguf", "missing"],
)
def test_a_wrong_model_file_is_refused_with_its_remedy_before_anything_is_written(
    content: bytes | None, sha256: str | None, says: str, project: Project
) -> None:
    file = project.folder / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    project.ingest(RUNNERS)
    environment = {"MADANG_LOCAL_MODEL": str(file)} | ({"MADANG_LOCAL_MODEL_SHA256": sha256} if sha256 else {})

    refused = run(project, "run", "groups", **environment)

    assert refused.code == 2, refused
    assert re.search(says, refused.err), refused
    assert "Traceback" not in refused.err
    assert written(project) == NOTHING


def test_a_model_file_that_does_not_load_ends_the_run_before_anything_is_sent(project: Project) -> None:
    file = project.folder / "model.gguf"
    file.write_bytes(b"GGUF" + bytes(64))
    project.ingest(RUNNERS)

    refused = run(project, "run", "groups", MADANG_LOCAL_MODEL=str(file))

    assert refused.code == 2, refused
    assert refused.err.startswith(f"madang: {file}: it did not load. It may be cut short, or of an architecture that")
    assert written(project) == NOTHING | {"recipes": 1, "plans": 1}


def test_wheels_that_are_not_installed_are_refused_with_their_remedy(project: Project) -> None:
    project.ingest(RUNNERS)

    refused = run(project, "run", "groups", MADANG_LOCAL_MODEL="package:no-such-model")

    assert refused.code == 2, refused
    assert refused.err == (
        "madang: local model: the package no-such-model is not installed. "
        "Run: pip install 'madang[gemma]', or set MADANG_LOCAL_MODEL\n"
    )
    assert written(project) == NOTHING


NOTHING = {"recipes": 0, "releases": 0, "plans": 0, "ledger": 0, "replies": 0, "quarantine": 0}


def written(project: Project) -> dict[str, int]:
    """Rows of the tables of a run."""
    return {
        name: project.rows(f"SELECT count(*) FROM ops.{name}")[0][0] if project.warehouse.has(f"ops.{name}") else 0
        for name in NOTHING
    }

"""Images of posts: found under the project only, known by their content, and sent byte by byte to the model."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving import Proving, proving
from scenario import ALL_DAYS, MEETUPS, Project, declaration, make_project, post, write_posts, write_task

from madang.errors import DeclarationError, PermanentFailure
from madang.evaluation import evaluate
from madang.extraction.estimate import estimate
from madang.extraction.images import MOST_BYTES, ImageUnreadable, PostImages
from madang.extraction.plan import make_plan
from madang.models.catalogue import Catalogue
from madang.models.protocol import Image, StoredImage
from madang.recipe import recipe_of
from madang.task import Task

PNG = b"\x89PNG\r\n\x1a\n" + b"red"
JPEG = b"\xff\xd8\xff" + b"blue"
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + b"green"
SOURCE = MEETUPS["source"] | {"images": 2}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., tuple[Image | StoredImage, ...]]:
    """Finds images of a task that shows three, in a project with a red, a blue and a green one."""
    folder = write_task(tmp_path / "assets" / "flats", declaration(source={"kind": "table", "images": 3}))
    (tmp_path / "red.png").write_bytes(PNG)
    (tmp_path / "blue.jpg").write_bytes(JPEG)
    (tmp_path / "green").write_bytes(WEBP)
    (tmp_path / "large.png").write_bytes(PNG + bytes(MOST_BYTES))
    (tmp_path / "words.png").write_text("no image")
    task = Task.load(folder)
    return lambda *addresses: PostImages(task, None).of(list(addresses))


def test_a_file_is_known_by_its_content_and_not_by_its_name(shown: Any) -> None:
    found = shown("red.png", "blue.jpg", "green")

    assert [(image.media_type, image.digest, image.content) for image in found] == [
        ("image/png", digest(PNG), PNG), ("image/jpeg", digest(JPEG), JPEG), ("image/webp", digest(WEBP), WEBP),
    ]  # fmt: skip


def test_an_address_is_passed_on_as_it_is(shown: Any) -> None:
    assert shown("https://a.example/b.png", "gs://bucket/c") == (
        Image("https://a.example/b.png", "image/png"), Image("gs://bucket/c", "image/jpeg"),
    )  # fmt: skip


def test_only_so_many_are_shown_as_the_task_says(shown: Any) -> None:
    assert len(shown("red.png", "red.png", "blue.jpg", "missing.png")) == 3


def test_a_post_without_images_shows_none(shown: Any) -> None:
    assert shown() == ()


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        (["red.png", "missing.png"], "image 2 of 2: there is no such file in the project. Put it there under the path"),
        (["../red.png"], "image 1 of 1: there is no such file in the project."),
        (["/etc/hostname"], "image 1 of 1: there is no such file in the project."),
        (["a" * 5000], "image 1 of 1: there is no such file in the project."),
        (["a\0b"], "image 1 of 1: there is no such file in the project."),
        (["."], "image 1 of 1: there is no such file in the project."),
        (["words.png"], "image 1 of 1: it is no JPEG, PNG, GIF or WebP. Convert it, and run `madang retry`"),
        (["red.png", "large.png"], "image 2 of 2: with it they hold more than 14 MiB. Make it smaller, or"),
    ],
)
def test_what_cannot_be_shown_is_named_by_its_place(shown: Any, addresses: list[str], message: str) -> None:
    with pytest.raises(ImageUnreadable) as error:
        shown(*addresses)

    assert str(error.value).startswith(message)


def test_a_link_that_leads_out_of_the_project_is_not_followed(shown: Any, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("/etc/hostname")

    with pytest.raises(ImageUnreadable):
        shown("link.png")


def test_a_file_that_changed_since_is_not_sent_under_the_old_hash(shown: Any, tmp_path: Path) -> None:
    (found,) = shown("red.png")
    (tmp_path / "red.png").write_bytes(JPEG)

    with pytest.raises(PermanentFailure, match="has changed since"):
        _ = found.content


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proving]:
    with proving(tmp_path_factory.mktemp("proving")) as running:
        yield running


def seeing(folder: Path, server: Proving, provider: str) -> Project:
    """A project whose task shows two images to a model of the server."""
    project = make_project(folder, ("meetups",))
    options = {
        "gemini": ['provider = "gemini"', 'model = "gemini-2.5-flash"', 'project = "p"', 'credentials = "local"',
                   f'base_url = "{server.url}"'],
        "openai": ['provider = "openai"', 'model = "gpt-4o-mini"', f'base_url = "{server.url}/v1"'],
    }[provider]  # fmt: skip
    with (folder / "madang.toml").open("a") as file:
        file.write("\n".join(["[tool.madang.models.seeing]", 'lane = "online"', *options]) + "\n")
    project.edit("meetups", lambda declared: declared.update(source=SOURCE, models=[{"use": "seeing"}]))
    (folder / "red.png").write_bytes(PNG)
    (folder / "blue.jpg").write_bytes(JPEG)
    return project


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_the_bytes_of_a_posts_images_arrive_at_the_model(
    tmp_path: Path, server: Proving, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    project = seeing(tmp_path / "project", server, provider)
    project.ingest(
        post("p1", "running 모집", images=["red.png", "blue.jpg", "more.png"]),
        post("p2", "running 모집", images=["blue.jpg"]),
        post("p3", "running 모집", images=["missing.png"]),
    )
    before = len(server.lines())

    report = project.run()
    again = project.run()

    pictures = [f"image/png {digest(PNG)}", f"image/jpeg {digest(JPEG)}"]
    assert sorted(line["images"] for line in server.lines()[before:]) == [pictures[1:], pictures]
    assert (report.progress.sent, report.progress.extracted, report.progress.quarantined) == (2, 2, 1)
    assert again.progress.sent == 0
    assert project.rows("SELECT post_id, failure FROM ops.quarantine") == [("p3", "image_unreadable")]
    project.close()


def test_a_post_whose_images_alone_change_is_read_again(
    tmp_path: Path, server: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    project = seeing(tmp_path / "project", server, "openai")
    project.ingest(post("p1", "running 모집", images=["red.png", "red.png", "red.png"]))
    project.run()

    project.ingest(post("p1", "running 모집", images=["red.png", "red.png", "blue.jpg"]))
    unseen = project.run()
    project.ingest(post("p1", "running 모집", images=["blue.jpg", "red.png", "blue.jpg"]))
    seen = project.run()

    assert (unseen.plan.counts, seen.plan.counts) == ({"unchanged": 1}, {"edited": 1})
    assert seen.progress.sent == 1
    assert len(project.rows("SELECT post_id FROM attributes.meetups__live")) == 1
    project.close()


def test_a_plan_counts_the_images_tokens(tmp_path: Path, server: Proving) -> None:
    project = seeing(tmp_path / "project", server, "openai")
    project.ingest(post("p1", "running 모집", images=["red.png", "blue.jpg"]))
    catalogue = Catalogue(project.settings)

    def expected() -> float:
        task = project.task()
        plan = make_plan(project.warehouse, task, recipe_of(task, catalogue.identity), ALL_DAYS)
        (lane,) = estimate(project.warehouse, task, catalogue, plan).lanes
        return lane.input_tokens.expected

    with_images = expected()
    project.edit("meetups", lambda declared: declared["source"].pop("images"))

    assert with_images - expected() == 2 * 3000
    project.close()


def test_an_image_beside_the_posts_is_seen_in_an_evaluation(
    tmp_path: Path, server: Proving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-that-nobody-may-see")
    project = seeing(tmp_path / "project", server, "openai")
    posts = write_posts(tmp_path / "elsewhere" / "posts.jsonl", [post("p1", "running", images=["green"])])
    gold = write_posts(tmp_path / "gold.jsonl", [{"post_id": "p1", "topics": ["running"]}])
    (tmp_path / "elsewhere" / "green").write_bytes(WEBP)

    report = evaluate(project.task(), project.settings, posts, gold=gold)

    assert (report.sent, report.failed) == (1, 0)
    assert server.lines()[-1]["images"] == [f"image/webp {digest(WEBP)}"]


def test_a_local_model_is_refused_before_a_call(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    with (tmp_path / "project" / "madang.toml").open("a") as file:
        file.write('[tool.madang.models.blind]\nlane = "local"\n')
    project.edit("meetups", lambda declared: declared.update(source=SOURCE, models=[{"use": "blind"}]))
    project.ingest(post("p1", images=["red.png"]))

    with pytest.raises(DeclarationError, match=r"models: 'blind' is a local model and sees no images\. Name another"):
        project.run()
    project.close()


def test_a_local_model_is_refused_when_definitions_are_checked(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", ("meetups",))
    with (tmp_path / "project" / "madang.toml").open("a") as file:
        file.write('[tool.madang.models.blind]\nlane = "local"\n')
    project.edit("meetups", lambda declared: declared.update(source=SOURCE, models=[{"use": "blind"}]))

    checked = subprocess.run(
        [sys.executable, "-m", "madang.cli", "check"],
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 1
    assert "FAILED  " in checked.stdout
    assert "models: 'blind' is a local model and sees no images" in checked.stdout

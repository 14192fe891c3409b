"""The cover of a listing: what is wrong with a photo by its pixels, and when another one is proposed."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from madang.cli import main
from madang.errors import InputError
from madang.photos.contents import is_installed
from madang.photos.cover import Seen, propose
from madang.photos.quality import Quality, open_photo, quality_of

GOOD = Quality(0.9, 0.9, 1.0, is_graphic=False, has_text=False, width=1280, height=960)
BLURRED = Quality(0.1, 0.9, 1.0, is_graphic=False, has_text=False, width=1280, height=960)


def scene(seed: int = 1, width: int = 1280, height: int = 960, light: float = 1.0) -> Image.Image:
    """A noisy picture of planes and edges, as a room is."""
    chosen = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), (150, 140, 125))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        left, top = chosen.integers(0, width), chosen.integers(0, height)
        shape = [left, top, left + chosen.integers(20, width // 3), top + chosen.integers(20, height // 3)]
        draw.rectangle(list(map(int, shape)), fill=tuple(map(int, chosen.integers(40, 220, 3))))
    noise = chosen.normal(0, 6, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) * light + noise, 0, 255).astype(np.uint8))


def screenshot() -> Image.Image:
    picture = Image.new("RGB", (720, 1280), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    for line in range(12):
        draw.text((40, 80 + 90 * line), "deposit 500, rent 40", fill=(0, 0, 0))
    return picture


def written_over() -> Image.Image:
    picture = scene()
    draw = ImageDraw.Draw(picture)
    for line in range(6):
        draw.rectangle([0, 60 + 140 * line, 1280, 160 + 140 * line], fill=(20, 20, 20))
        draw.text((10, 50 + 140 * line), "CALL NOW BEST PRICE", fill=(255, 255, 255), font=ImageFont.load_default(100))
    return picture


def test_a_clear_photo_is_better_than_what_is_wrong_with_it() -> None:
    good = quality_of(scene())
    spoiled = {
        "blurred": scene().filter(ImageFilter.GaussianBlur(12)),
        "dark": scene(light=0.12),
        "small": scene().resize((160, 120)),
        "a screenshot": screenshot(),
        "written over": written_over(),
    }

    assert (good.is_graphic, good.has_text) == (False, False)
    for name, photo in spoiled.items():
        assert quality_of(photo).score < good.score - 0.1, name


def test_a_screenshot_and_laid_over_words_are_told() -> None:
    assert quality_of(screenshot()).is_graphic
    assert quality_of(written_over()).has_text


def test_a_tiny_picture_is_measured() -> None:
    assert quality_of(Image.new("RGB", (1, 1))).score < 0.4


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0broken"])
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"a\.jpg.*no image"):
        open_photo(content, "a.jpg")


def test_a_clearly_better_photo_is_proposed_with_the_reason() -> None:
    proposal = propose([Seen("first", BLURRED, "bathroom", 0.9), Seen("second", GOOD, "living_room", 0.9)])

    assert (proposal.is_change, proposal.best) == (True, "second")
    assert "the cover is blurred" in proposal.reason
    assert "the cover shows a bathroom, the other a living room" in proposal.reason


def test_a_cover_that_is_nearly_as_good_stays() -> None:
    proposal = propose([Seen("first", GOOD, "bedroom", 0.9), Seen("second", GOOD, "living_room", 0.9)])

    assert (proposal.is_change, proposal.reason) == (False, "no other photo is clearly better")
    assert [seen.name for seen in proposal.ranking] == ["second", "first"]


def test_one_photo_stays() -> None:
    assert propose([Seen("only", BLURRED)]).reason == "there is no other photo"


def test_the_command_prints_a_ranking(tmp_path: Path) -> None:
    good, blurred = tmp_path / "good.png", tmp_path / "blurred.png"
    scene().save(good)
    scene().filter(ImageFilter.GaussianBlur(14)).save(blurred)

    result = CliRunner().invoke(main, ["cover", str(blurred), str(good), "--json"])

    told = json.loads(result.stdout)
    assert (told["cover"], told["proposed"]) == (str(blurred), str(good))
    assert {photo["name"] for photo in told["photos"]} == {str(good), str(blurred)}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["cover", str(tmp_path / "none.jpg")])

    assert result.exit_code == 2
    assert "none.jpg" in result.stderr


@pytest.mark.skipif(not is_installed(), reason="needs the extra `photos` (torch and the network's packages)")
def test_the_embedded_network_looks_at_a_photo() -> None:
    from madang.photos.contents import KINDS, contents_of

    photo = BytesIO()
    scene().save(photo, "JPEG")

    ((kind, sure),) = contents_of([open_photo(photo.getvalue(), "scene.jpg")])

    assert kind in KINDS
    assert 0 <= sure <= 1

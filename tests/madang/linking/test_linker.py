"""Linking a mention: each view of a name, the region that tells branches apart, and why there is no link."""

import unicodedata
from pathlib import Path

import polars as pl
import pytest
from places import PLACES, place_index

from madang.errors import InputError
from madang.linking.bulk import link_mentions
from madang.linking.link import Link, Outcome
from madang.linking.linker import Linker, MentionContext


@pytest.fixture(scope="module")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Linker:
    """Of the shared directory, without aliases."""
    return Linker(place_index(tmp_path_factory.mktemp("places")))


def place_id(link: Link) -> str | None:
    """The place linked."""
    return link.linked.place.place_id if link.linked else None


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("물빛천지", "pond"),
        ("물빛 천지", "pond"),
        ("물빛천지에서", "pond"),
        ("「물빛천지」", "pond"),
        (unicodedata.normalize("NFD", "물빛천지"), "pond"),
        ("물빛천지🐷", "pond"),
        ("달빛커피 용산점", "yongsan"),
        ("달빛커피용산점", "yongsan"),
        ("온누리재", "onyu"),
        ("햇살이비인후과", "clinic"),
        ("햇살이비인후과으원", "clinic"),
        ("화로마을", "grill"),
    ],
)
def test_a_name_is_found_however_it_is_written(linker: Linker, mention: str, expected: str) -> None:
    context = MentionContext(text="")

    assert place_id(linker.link(mention, context)) == expected


@pytest.mark.parametrize(("district", "expected"), [("용산구", "yongsan"), ("마포구", "mapo")])
def test_the_district_tells_which_branch_is_meant(linker: Linker, district: str, expected: str) -> None:
    assert place_id(linker.link("달빛커피", MentionContext(district))) == expected


def test_a_neighbourhood_is_the_same_with_and_without_its_number(linker: Linker) -> None:
    assert place_id(linker.link("할매국수", MentionContext("마포구", "망원동"))) == "noodle-mapo"


def test_an_address_in_the_text_tells_which_is_meant(linker: Linker) -> None:
    context = MentionContext(text="할매국수 다녀왔어요. 주소: 제주시 신대로 5")

    assert place_id(linker.link("할매국수", context)) == "noodle-jeju"


def test_branches_that_nothing_tells_apart_are_not_guessed(linker: Linker) -> None:
    link = linker.link("달빛커피")

    assert (link.outcome, place_id(link)) == (Outcome.SEVERAL_ALIKE, None)
    assert link.reason == "2 places are alike: say which by a branch, a district or an address"
    assert link.runner_up is not None


def test_a_branch_that_the_directory_lacks_is_not_another_branch(linker: Linker) -> None:
    assert place_id(linker.link("달빛커피 성수점", MentionContext("용산구"))) is None


def test_a_place_of_another_district_is_not_the_one(linker: Linker) -> None:
    link = linker.link("물빛천지", MentionContext("마포구"))

    assert (link.outcome, place_id(link)) == (Outcome.REGION_CONTRADICTS, None)
    assert link.reason == "물빛천지 has such a name, and does not lie in 마포구"


@pytest.mark.parametrize("mention", ["푸른약국", "용산", "🐷", "", "커피", "망원점", "가" * 100_000, "\x00"])
def test_a_name_that_the_directory_lacks_has_no_link(linker: Linker, mention: str) -> None:
    assert linker.link(mention).outcome is Outcome.NO_CANDIDATE


def test_one_other_syllable_of_a_short_name_is_another_place(linker: Linker) -> None:
    assert place_id(linker.link("홍빛천지", MentionContext("서귀포시", "보목동"))) is None


@pytest.mark.parametrize(
    ("mention", "name"), [("새솔마트", "새솔한의원"), ("새솔산", "새솔산커피"), ("새솔역", "편의마당 새솔역점")]
)
def test_what_stands_beside_a_landmark_or_shares_its_area_is_another_place(
    tmp_path: Path, mention: str, name: str
) -> None:
    """A mart was linked to a clinic, a mountain to a café, and a station to the shop in it."""
    linker = Linker(place_index(tmp_path, [{"place_id": "a", "name": name, "address": "서울 용산구 새솔동"}]))

    assert place_id(linker.link(mention, MentionContext("용산구", "새솔동"))) is None


def test_an_alias_leads_to_its_place(tmp_path: Path) -> None:
    linker = Linker(place_index(tmp_path), {"천지못": ("pond",)})
    link = linker.link("천지못에서")

    assert (place_id(link), link.reason) == ("pond", "a confirmed alias")


def test_an_alias_of_a_place_that_is_gone_does_nothing(tmp_path: Path) -> None:
    linker = Linker(place_index(tmp_path), {"천지못": ("gone",)})

    assert linker.link("천지못").outcome is Outcome.NO_CANDIDATE


def test_rows_of_one_real_place_do_not_compete(tmp_path: Path) -> None:
    again = {"place_id": "pond-2", "name": "물빛 천지", "address": None, "lat": 33.2399, "lon": 126.5925}
    link = Linker(place_index(tmp_path, [*PLACES, again])).link("물빛천지")

    assert link.linked is not None
    assert link.linked.place_ids == ("pond", "pond-2")


def test_the_more_popular_of_two_alike_comes_first(tmp_path: Path) -> None:
    twins = [
        {"place_id": name, "name": "샘물식당", "lat": lat, "lon": 127.0, "popularity": popularity}
        for name, lat, popularity in (("quiet", 37.1, 1), ("busy", 37.9, 100_000))
    ]
    link = Linker(place_index(tmp_path, twins)).link("샘물식당")

    assert link.best is not None
    assert link.best.place.place_id == "busy"


def test_an_empty_directory_links_nothing(tmp_path: Path) -> None:
    assert Linker(place_index(tmp_path, [])).link("물빛천지").outcome is Outcome.NO_CANDIDATE


def test_an_empty_name_in_the_directory_harms_nothing(tmp_path: Path) -> None:
    linker = Linker(place_index(tmp_path, [*PLACES, {"place_id": "dots", "name": "..."}]))

    assert place_id(linker.link("물빛천지")) == "pond"
    assert linker.link("...").outcome is Outcome.NO_CANDIDATE


def test_a_table_of_mentions_is_linked_in_order_with_the_directory_named(linker: Linker) -> None:
    mentions = pl.DataFrame(
        {"post_id": ["1", "1", "2"], "text": ["물빛천지", "없는곳", "달빛커피"], "district": [None, None, "마포구"]}
    )
    linked = link_mentions(mentions, linker)

    assert linked["place_id"].to_list() == ["pond", None, "mapo"]
    assert linked["place_outcome"].to_list() == ["linked", "no_candidate", "linked"]
    assert set(linked["directory"]) == {linker.index.version}


def test_a_place_beside_tells_which_of_two_is_meant(tmp_path: Path) -> None:
    twins = [
        {"place_id": name, "name": "샘물식당", "lat": lat, "lon": lon}
        for name, lat, lon in (("near", 33.2400, 126.5930), ("far", 37.9, 127.0))
    ]
    linker = Linker(place_index(tmp_path, [*PLACES, *twins]))
    mentions = pl.DataFrame({"post_id": ["1", "1"], "text": ["샘물식당", "물빛천지"]})

    assert link_mentions(mentions, linker)["place_id"].to_list() == ["near", "pond"]


def test_no_mentions_are_linked_to_no_rows(linker: Linker) -> None:
    linked = link_mentions(pl.DataFrame(schema={"post_id": pl.String(), "text": pl.String()}), linker)

    assert (linked.height, "place_id" in linked.columns) == (0, True)


def test_mentions_without_text_are_refused(linker: Linker) -> None:
    with pytest.raises(InputError, match="there is no column 'text'"):
        link_mentions(pl.DataFrame({"post_id": ["1"]}), linker)

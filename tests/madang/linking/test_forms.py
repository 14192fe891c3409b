"""Forms of names: brand and branch apart, kinds and areas around a name, exits and particles after it."""

import pytest

from madang.linking.forms import Form, forms_of, is_kind, is_particle, mention_forms
from madang.linking.regions import buildings, region_of


def test_brand_and_branch_are_told_apart() -> None:
    forms = forms_of("달빛커피 용산점")

    assert (forms.brand, forms.branch) == ("달빛커피", "용산")
    assert forms.forms["달빛커피"] is Form.BRAND


def test_a_branch_without_a_space_is_told_by_a_known_area() -> None:
    assert forms_of("화로마을이도이동점", known={"이도이동"}).brand == "화로마을"
    assert forms_of("화로마을이도이동점").branch == ""


def test_a_name_that_ends_in_its_own_area_is_a_brand_and_a_branch() -> None:
    assert forms_of("양대포 노형", areas={"노형"}).forms["양대포"] is Form.BRAND


def test_the_area_before_a_name_and_the_kind_around_it_are_left_out() -> None:
    forms = forms_of("제주카페 온누리재", areas={"제주"}).forms

    assert forms["온누리재"] is Form.CORE


def test_a_kind_of_place_alone_is_no_form_of_a_name() -> None:
    assert "카페" not in forms_of("카페 온누리재").forms


@pytest.mark.parametrize("mention", ["용산역 3번출구", "용산역 3번 출구 앞", "용산역에서", "용산역은"])
def test_exits_and_particles_do_not_matter_in_a_mention(mention: str) -> None:
    assert "용산역" in mention_forms(mention).forms


def test_a_name_of_which_a_particle_would_leave_one_syllable_stays_whole() -> None:
    assert mention_forms("우도").forms == {"우도": Form.WHOLE}


def test_what_follows_a_name_in_its_word() -> None:
    assert is_particle("에서는")
    assert not is_particle("마을")
    assert is_kind("카페에서")


def test_an_address_says_province_district_and_neighbourhood() -> None:
    region = region_of("제주특별자치도 제주시 조천읍 선진길 88 가동")

    assert (region.province, region.district, region.dong) == ("제주", "제주시", "조천읍")


def test_a_building_is_the_same_however_its_address_is_spaced() -> None:
    assert [key for key, _, _ in buildings("주소: 서해안로368-10 2층")] == ["서해안로368-10"]
    assert [key for key, _, _ in buildings("제주 제주시 서해안로 368-10")] == ["서해안로368-10"]

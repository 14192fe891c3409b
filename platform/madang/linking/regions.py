"""Where an address lies: province, district, neighbourhood, and the key of its building."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

_PROVINCE = re.compile(
    r"^(서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|제주"
    r"|충북|충남|충청북|충청남|전북|전남|전라북|전라남|경북|경남|경상북|경상남)"
    r"(특별자치도|특별자치시|특별시|광역시|도|시)?$"
)
_DISTRICT = re.compile(r"^[가-힣]{1,5}(시|군|구)$")
_DONG = re.compile(r"^[가-힣]{1,6}[0-9·.]*(동|읍|면|가)$")
_VILLAGE = re.compile(r"^[가-힣]{1,6}[0-9]*(리|동|가)$")
_WING = re.compile(r"^[가나다라마바사]동$")
_BUILDING = re.compile(
    r"(?<![가-힣0-9·])([가-힣0-9·]{1,15}(?:로|길|동|리|가))\s{0,2}(?:산\s?)?(\d{1,5}(?:-\d{1,4})?)(?![0-9])"
)
_ENDING = re.compile(r"(특별자치도|특별자치시|특별시|광역시|[0-9·.]*(시|군|구|동|읍|면|리|가|로|길))$")


@dataclass(frozen=True, slots=True)
class Region:
    """Where an address lies. A million of them are held at once, so their words are shared.

    Args:
        province: Such as 서울; empty if the address does not say.
        district: City, county or ward (용산구, 서귀포시); the smallest that is named; empty if none is.
        dong: Neighbourhood, town or township (망원1동, 조천읍); empty if none is named.
        stems: Names of areas and roads without their endings, for finding them in a text: 용산, 망원, 조천.
    """

    province: str = ""
    district: str = ""
    dong: str = ""
    stems: tuple[str, ...] = ()


def region_of(address: str | None) -> Region:
    """Reads an address; what it does not say is empty."""
    province = district = dong = ""
    stems: dict[str, None] = {}
    for token in re.split(r"[\s(),]+", address or "")[:8]:
        found = _PROVINCE.match(token)
        if found and not province:
            province = intern(found[1])
            stems[province] = None
        elif _DISTRICT.match(token) and not dong:
            district = intern(token)
            stems[stem(token)] = None
        elif _DONG.match(token) and not dong and not _WING.match(token):
            dong = intern(token)
            stems[stem(token)] = None
        elif _VILLAGE.match(token) and not _WING.match(token):
            stems[stem(token)] = None
    return Region(province, district, dong, tuple(intern(name) for name in stems if len(name) > 1))


@lru_cache(maxsize=65536)
def stem(area: str) -> str:
    """An area's name without number and ending: 망원1동 and 망원동 are 망원; a name of one syllable stays whole."""
    bare = _ENDING.sub("", area)
    return bare if len(bare) > 1 else re.sub(r"[0-9·.]+", "", area)


def buildings(text: str) -> Iterator[tuple[str, int, int]]:
    """Road or lot addresses in a text, each as (key, start, end): 서해안로 368-10 has the key 서해안로368-10."""
    for found in _BUILDING.finditer(text):
        if len(found[1]) > 2 or not found[1][0].isdigit():
            yield f"{found[1]}{found[2]}", found.start(), found.end()


def agrees(one: str, other: str) -> bool | None:
    """Whether two areas are the same, by their stems; None where one is not stated."""
    if not one or not other:
        return None
    return stem(one) == stem(other)

"""Ages that a post names (decades, ages, birth years, school levels), and whether they are the author's own.

A birth year becomes an age at `REFERENCE_YEAR`: a reader sees text only, and the convention of the answers it is
measured on is that year.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

REFERENCE_YEAR = 2024
BANDS = ("10s", "20s", "30s", "40s", "50s", "60plus")

_PART = r"\s*(?:극?초반?|중반?|후반?|초중반|중후반|초|중|후)?"
_TO = r"\s*(?:[~∼〜–\-,./·&]|부터|에서|이나|나|와|과|또는|to|and)\s*"
_UNTIL = r"\s*(?:[~∼〜–\-]|부터|에서|to)\s*"
_DECADES = re.compile(rf"(?<![\d.,:/])([1-7])0\s*대?{_PART}(?:분들?)?({_TO}|\s+)([2-7])0\s*(?:대|초|중|후){_PART}")
_COMPACT = re.compile(r"(?<![\d:/.,~-])(10|20|30|40|50)(20|30|40|50|60)(?![\d:/]|\s?(?:년|원|m|호|번))")
_DECADE = re.compile(rf"(?<![\d.,:/~])([1-7])0\s*(?:대(?!\s?[0-9]|학|회|표|여섯){_PART}|(?:극초|초|중|후)반)")
_DECADE_EN = re.compile(r"(?<!\d)([1-7])0'?s\b", re.IGNORECASE)
_YEARS = re.compile(rf"(?<!\d)(?:19|20)?(\d\d)\s*(?:년\s*생)?\s*{_UNTIL}(?:19|20)?(\d\d)\s*년?\s*생")
_YEAR = re.compile(
    r"(?<![\d./:-])(?:19|20)?([5-9]\d|0\d|1[0-5])\s*(?:년\s*생|년생|(?:년도?)?\s*(?=친구|또래|동갑|남자|여자))"
)
_AGES = re.compile(rf"(?<![\d.,:/])([1-7]\d)\s*(?:세|살)?{_UNTIL}([1-7]\d)\s*(?:세|살)(?!대)")
_AGE = re.compile(r"(?<![\d.,:/~])([1-7]\d)\s*(?:세|살)(?!트)")
_SCHOOL = re.compile(
    r"초등(?:학생|\s?저학년|\s?고학년)|중학생|고등학생|중고생|고딩|중딩|초딩|청소년(?!\s?(?:센터|수련|회관))"
)
_STUDENT = re.compile(r"대학생(?:분|들|끼리|\s*(?:친구|모임|만|모집|환영))")
_SENIOR = re.compile(r"시니어|어르신|실버\s?(?:모임|동호회)|senior", re.IGNORECASE)

# The author speaks of himself: 저는 20대 초 여자이고; 25살 남자입니다.
_OWN_BEFORE = re.compile(
    r"(?:저는|전|제가|저도|저|나는|나도|난|본인은?|글쓴이는?|i'?m|i am)\s?[^.!?\n,~]{0,14}$", re.IGNORECASE
)
_OWN_AFTER = re.compile(
    r"^\s*[^\s]{0,3}\s?(?:남자|여자|남성|여성|남|여|직장인|대학생|학생|사람|유부녀|유부남|아빠|엄마|아줌마|아재)?\s?"
    r"(?:사람)?\s?(?:입니다|입니당|이에요|이예요|예요|에요|인데|이고|이구|구요|이라|라서|임\b|입니닼|이며|인\s|이지만|이구요|인지라|됐|이네|먹은)"
)
_OTHERS = re.compile(
    r"^\s*[^\s.!?]{0,4}\s?(?:남|여|남녀|남자|여자|여성|남성|동성|직장인|미혼|솔로)?\s?(?:분(?!야)|만\b|만\s|친구|또래|동갑|위주|모임|크루|밴드|"
    r"모집|환영|이면|면\s|였으면|가 편|이 편|편할|선호|구해|구합|찾|정도|"
    r"까지|누구|아무나|끼리|들만|이상|이하|미만|동네|소모임|동호회|팀|멤버|회원)"
)
# 40대남 맛집친구 하실분: at the head of a text, with a bare gender, it is the author.
_OWN_HEAD = re.compile(r"^\s*(?:남|여|남자|여자|남성|여성)(?:입|이|인|\s(?!밴드|분|만|친구|모임|회원|전용|크루|팀|구))")
_SOUGHT_AFTER = re.compile(r"^\s*[^\s]{0,3}\s?(?:분(?!야)|만\b|만\s|친구|또래|동갑|선호|이면|였으면|정도)")
_STATED = re.compile(r"(?:나이|연령|대상|모집|age)[^.!?\n]{0,14}$", re.IGNORECASE)
_MEMBERS = re.compile(r"(?:현재|구성|멤버|회원들?|인원|팀원|저희|모두)[^.!?\n]{0,14}$")
_MEMBERS_AFTER = re.compile(r"^[^.!?\n]{0,6}(?:보유|다양|구성|로 이루어|활동\s?중)")
_PEERS = re.compile(
    r"또래|동갑|나이(?:대|도|가|만|랑)?\s*(?:이|가|도|만|는)?\s*비슷|비슷한\s*(?:나이|연령|또래)|같은\s*나이|제\s*나이"
)
_ANY_AGE = re.compile(
    r"(?:나이|연령)(?:대|는|은|도)?[^.!?\n]{0,10}(?:상관|무관|불문|제한\s*(?:없|x)|관계\s*없)|남녀노소", re.IGNORECASE
)


@dataclass(frozen=True)
class AgeMention:
    """An age that a text names.

    Args:
        bands: Bands that it covers, youngest first.
        start: First code point.
        end: One past the last.
        is_own: Whether it is the author's.
        is_range: Whether it names both ends.
    """

    bands: tuple[str, ...]
    start: int
    end: int
    is_own: bool
    is_range: bool


def ages_in(text: str) -> list[AgeMention]:
    """Every age that a text names, in order; of overlapping ones the longest."""
    found: list[AgeMention] = []
    head = len(text) - len(text.lstrip())
    is_taken = bytearray(len(text))
    for bands, match, is_range in sorted(_matches(text), key=lambda item: item[1].start() - item[1].end()):
        start, end = match.span()
        if bands and not any(is_taken[start:end]):
            own = _is_own(text, start, end, is_range=is_range, is_head=start <= head)
            end = start + len(match[0].rstrip())
            is_taken[start:end] = bytes([1]) * (end - start)
            found.append(AgeMention(bands, start, end, own, is_range))
    return sorted(found, key=lambda mention: mention.start)


def seeks_peers(text: str) -> bool:
    """Whether the author looks for people of his own age."""
    return _PEERS.search(text) is not None


def takes_any_age(text: str) -> bool:
    """Whether age is said not to matter."""
    return _ANY_AGE.search(text) is not None


def is_of_members(text: str, mention: AgeMention) -> bool:
    """Whether an age describes who is there already, not who is sought."""
    before, after = text[max(0, mention.start - 24) : mention.start], text[mention.end : mention.end + 24]
    return bool(_MEMBERS_AFTER.match(after)) or (bool(_MEMBERS.search(before)) and not _STATED.search(before))


def _is_own(text: str, start: int, end: int, *, is_range: bool, is_head: bool) -> bool:
    before, after = text[max(0, start - 20) : start], text[end : end + 24]
    if is_range or _STATED.search(before):
        return False
    if _OWN_BEFORE.search(before):
        return not _SOUGHT_AFTER.match(after)
    if is_head and _OWN_HEAD.match(after):
        return True
    return not _OTHERS.match(after) and bool(_OWN_AFTER.match(after))


def _matches(text: str) -> Iterator[tuple[tuple[str, ...], re.Match[str], bool]]:
    for match in _DECADES.finditer(text):
        yield _between(int(match[1]) * 10, int(match[3]) * 10), match, True
    for match in _COMPACT.finditer(text):
        yield _between(int(match[1]), int(match[2])) if int(match[2]) - int(match[1]) == 10 else (), match, True
    for match in _AGES.finditer(text):
        yield _between(int(match[1]), int(match[2])), match, True
    for match in _YEARS.finditer(text):
        ages = sorted(REFERENCE_YEAR - _year(match[index]) for index in (1, 2))
        yield _between(*ages), match, True
    for match in _DECADE.finditer(text):
        yield _between(int(match[1]) * 10, int(match[1]) * 10), match, False
    for match in _DECADE_EN.finditer(text):
        yield _between(int(match[1]) * 10, int(match[1]) * 10), match, False
    for match in _AGE.finditer(text):
        yield _between(int(match[1]), int(match[1])), match, False
    for match in _YEAR.finditer(text):
        age = REFERENCE_YEAR - _year(match[1])
        yield _between(age, age), match, False
    for pattern, age in ((_SCHOOL, 10), (_STUDENT, 20), (_SENIOR, 60)):
        for match in pattern.finditer(text):
            yield _between(age, age), match, False


def _year(two_digits: str) -> int:
    year = int(two_digits)
    return 1900 + year if year > REFERENCE_YEAR % 100 else 2000 + year


def _between(youngest: int, oldest: int) -> tuple[str, ...]:
    if oldest < youngest or youngest < 7 or oldest > 99:
        return ()
    return tuple(dict.fromkeys(_band(age) for age in range(youngest // 10 * 10, oldest + 1, 10)))


def _band(age: int) -> str:
    return BANDS[min(max(age // 10, 1), 6) - 1]


def in_order(bands: Iterable[str]) -> tuple[str, ...]:
    """Bands, youngest first, each once."""
    wanted = set(bands)
    return tuple(band for band in BANDS if band in wanted)

"""Phone models by one name each: 갤럭시 S22 울트라, 겔s22울트라 and Galaxy S22 Ultra are all `galaxy s22 ultra`.

The name has no storage, colour or carrier: a price is compared over those.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class PhoneModel:
    """A phone that a text names.

    Args:
        name: Canonical name in lower case.
        maker: Canonical name of its maker.
        start: First character of the mention.
        end: One past its last.
    """

    name: str
    maker: str
    start: int
    end: int


_SUFFIXES = {
    "플러스": "plus", "plus": "plus", "+": "plus", "플": "plus", "프로": "pro", "pro": "pro",
    "맥스": "max", "max": "max", "미니": "mini", "mini": "mini", "울트라": "ultra", "ultra": "ultra",
    "엣지": "edge", "엣지플러스": "edge plus", "edge": "edge", "네오": "neo", "neo": "neo", "fe": "fe",
    "액티브": "active", "active": "active", "슬림": "slim", "에어": "air", "air": "air", "프맥": "pro max",
    "프로맥스": "pro max", "promax": "pro max", "프로맥": "pro max", "프맥스": "pro max", "광대역": "", "lte-a": "",
}  # fmt: skip
_SUFFIX = r"(?:\s?(?:" + "|".join(re.escape(one) for one in sorted(_SUFFIXES, key=len, reverse=True)) + r")(?![a-z]))"
_GALAXY = r"(?:갤럭시|겔럭시|갤럭|겔럭|갤|겔|galaxy)\s?"
_START = r"(?<![a-z0-9])"
_Name = Callable[[re.Match[str]], str]


def _suffixes(text: str | None) -> str:
    """Canonical suffixes with a space before them."""
    found, rest = [], (text or "").replace(" ", "")
    while rest:
        longest = max((one for one in _SUFFIXES if rest.startswith(one)), key=len)
        found.append(_SUFFIXES[longest])
        rest = rest[len(longest) :]
    return "".join(f" {one}" for one in dict.fromkeys(found) if one)


def _iphone(match: re.Match[str]) -> str:
    if match["se"]:
        return f"iphone se{' ' + match['second'] if match['second'] else ''}"
    return f"iphone {match['number']}{match['letter'] or ''}{_suffixes(match['suffix'])}"


_FAMILIES: tuple[tuple[str, re.Pattern[str], _Name], ...] = (
    (
        "Apple",
        re.compile(
            rf"(?:아이폰|아이뽄|i폰|{_START}iphone)\s?(?:(?P<number>1[0-9]|[3-9]|xs|xr|"
            rf"x)(?!\d)(?:\s?(?P<letter>[sce])(?![a-z]|\+?\s?[급등]))?|"
            r"(?P<se>se)(?:\s?(?P<second>[23])(?!\d)(?:\s?세대)?)?)(?![a-z])"
            rf"(?P<suffix>{_SUFFIX}{{0,2}})"
        ),
        _iphone,
    ),
    (
        "Samsung",
        re.compile(
            rf"(?:{_GALAXY}|{_START}z\s?|제트\s?)*(?P<kind>폴드|플립|fold|"
            rf"flip)\s?(?P<number>[2-9])(?!\d)(?P<suffix>\s?(?:se|fe|스페셜|슬림)(?![a-z]))?"
        ),
        lambda match: (
            f"galaxy z {'fold' if match['kind'] in ('폴드', 'fold') else 'flip'}"
            f" {match['number']}{' ' + match['suffix'].strip() if match['suffix'] else ''}"
        ),
    ),
    (
        "Xiaomi",
        re.compile(rf"(?:홍미|레드미|{_START}redmi)\s?(?:노트|note)\s?(?P<number>\d{{1,2}}x?)?(?P<suffix>{_SUFFIX}?)"),
        lambda match: f"redmi note{' ' + match['number'] if match['number'] else ''}{_suffixes(match['suffix'])}",
    ),
    (
        "Xiaomi",
        re.compile(rf"(?:샤오미|xiaomi)\s?(?:미|mi)?\s?(?P<number>1[0-9]|[3-9])(?!\d)(?P<suffix>{_SUFFIX}?)"),
        lambda match: f"xiaomi {match['number']}{_suffixes(match['suffix'])}",
    ),
    (
        "Samsung",
        re.compile(
            rf"(?:(?:{_GALAXY})?(?:노트|{_START}note)|갤노트?)\s?(?P<number>20|10|[1-9])(?!\d|\s?(?:종|개|권|월|년|"
            rf"만|장))"
            rf"(?P<suffix>{_SUFFIX}?)"
        ),
        lambda match: f"galaxy note {match['number']}{_suffixes(match['suffix'])}",
    ),
    (
        "Samsung",
        re.compile(
            rf"{_GALAXY}(?P<kind>s|a|j|m|c|알파|그랜드|메가|와이드|점프|퀀텀|버디|"
            rf"폴더)\s?(?P<number>\d{{0,2}})(?!\d)(?P<suffix>{_SUFFIX}{{0,2}})"
        ),
        lambda match: _galaxy(match),  # noqa: PLW0108 - it stands below
    ),
    (
        "Samsung",
        re.compile(rf"{_GALAXY}(?P<kind>)(?P<number>[2-7])(?!\d)s?\s?(?P<suffix>{_SUFFIX}{{0,2}})"),
        lambda match: f"galaxy s{match['number']}{_suffixes(match['suffix'])}",
    ),
    (
        "Samsung",
        re.compile(rf"(?<!탭)(?<!탭 ){_START}s\s?(?P<number>2[0-5]|10|[6-9])(?!\d)(?P<suffix>{_SUFFIX}{{1,2}})"),
        lambda match: f"galaxy s{match['number']}{_suffixes(match['suffix'])}",
    ),
    (
        "LG",
        re.compile(
            r"(?:옵티머스|optimus)\s?(?P<number>g\s?(?:프로|pro)?\s?\d?|뷰\s?\d?|lte\s?\d?|q|vu)(?P<suffix>)(?![a-z])"
        ),
        lambda match: (
            f"lg {match['number'].replace('프로', ' pro').replace('gpro', 'g pro').replace('  ', ' ')}".strip()
        ),
    ),
    (
        "LG",
        re.compile(
            rf"(?:{_START}lg\s?|엘지\s?)?{_START}(?P<number>g[2-8]|v[1-6]0|"
            rf"q[6-9]\d?)(?![a-z0-9])\s?(?P<suffix>(?:씽큐|thinq|cat\s?6|비트|프로|pro)?)"
        ),
        lambda match: f"lg {match['number']}{' pro' if match['suffix'] in ('프로', 'pro') else ''}",
    ),
    (
        "LG",
        re.compile(rf"(?:{_START}lg|엘지)\s?(?P<number>벨벳|윙|velvet|wing|x\d{{1,3}}|k\d{{1,2}}|클래스)(?P<suffix>)"),
        lambda match: "lg " + {"벨벳": "velvet", "윙": "wing", "클래스": "class"}.get(match["number"], match["number"]),
    ),
    (
        "LG",
        re.compile(r"와인\s?(?:스마트|폰)\s?(?P<number>재즈|\d)?(?P<suffix>)"),
        lambda match: f"lg wine smart{' jazz' if match['number'] == '재즈' else ''}",
    ),
    (
        "Pantech",
        re.compile(r"베가\s?(?P<number>아이언\s?2?|시크릿\s?(?:노트|업)|팝업노트|레이서\s?\d?|r\d)(?P<suffix>)"),
        lambda match: f"vega {_vega(match['number'])}",
    ),
    (
        "Sony",
        re.compile(rf"(?:엑스페리아|{_START}xperia)\s?(?P<number>[a-z]{{1,2}}\d?)(?![a-z0-9])(?P<suffix>)"),
        lambda match: f"xperia {match['number']}",
    ),
    (
        "Google",
        re.compile(rf"(?:픽셀|{_START}pixel)\s?(?P<number>\d{{1,2}}a?)(?!\d)(?P<suffix>{_SUFFIX}{{0,2}})"),
        lambda match: f"pixel {match['number']}{_suffixes(match['suffix'])}",
    ),
    (
        "Google",
        re.compile(rf"(?:넥서스|{_START}nexus)\s?(?P<number>[4-6])\s?(?P<suffix>[xp])?(?![a-z0-9])"),
        lambda match: f"nexus {match['number']}{match['suffix'] or ''}",
    ),
)
_KOREAN_LINES = {
    "알파": "alpha", "그랜드": "grand", "메가": "mega", "와이드": "wide", "점프": "jump", "퀀텀": "quantum",
    "버디": "buddy", "폴더": "folder",
}  # fmt: skip


_VEGA = {
    "아이언": "iron",
    "시크릿": "secret ",
    "노트": "note",
    "업": "up",
    "팝업노트": "pop up note",
    "레이서": "racer",
}


def _vega(line: str) -> str:
    name = line.replace(" ", "")
    for korean, latin in sorted(_VEGA.items(), key=lambda pair: -len(pair[0])):
        name = name.replace(korean, latin)
    return " ".join(re.sub(r"(\d)", r" \1", name).split())


def _galaxy(match: re.Match[str]) -> str:
    line = _KOREAN_LINES.get(match["kind"])
    number = match["number"]
    if line is not None:
        return f"galaxy {line}{' ' + number if number else ''}{_suffixes(match['suffix'])}"
    return f"galaxy {match['kind']}{number}{_suffixes(match['suffix'])}"


def phones_in(text: str) -> list[PhoneModel]:
    """Phones that a text names, in order; of two readings of one place the longer.

    Args:
        text: Lower-case text.
    """
    found = [
        PhoneModel(name(match), maker, match.start(), match.start() + len(match.group().rstrip()))
        for maker, pattern, name in _FAMILIES
        for match in pattern.finditer(text)
        if not (
            match["number"] == "" and match.re.groupindex.get("kind") and match["kind"] in ("s", "a", "j", "m", "c")
        )
    ]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[PhoneModel] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept

"""What is in a rented home, in both languages. What is taken away, sold or only fits in is not in it."""

import re

from madang.extraction.grounding import PostText, Span
from madang.readers.cues import cues
from madang.readers.found import Found

_KOREAN = {
    "air_conditioner": r"에어컨|에어콘|냉난방기|(?<![A-Za-z])A/C",
    "washing_machine": r"세탁기|워시타워|통돌이",
    "refrigerator": r"냉장고",
    "induction_stove": r"인덕션|인덕숀|하이라이트|전기\s?(?:레인지|렌지)",
    "gas_stove": r"가스\s?(?:레인지|렌지|랜지|레인찌)",
    "microwave": r"전자\s?(?:레인지|렌지|랜지)",
    "bed": r"(?<!소파)(?<!소파 )침대",
    "desk": r"책상",
    "closet": r"옷장|붙박이장?|장롱",
    "tv": r"(?<![A-Za-z])TV(?![A-Za-z])|티비|텔레비전",
    "internet": r"인터넷(?!\s?(?:광고|검색|등록|뱅킹|매물))|와이파이|(?<![A-Za-z])wi-?fi",
    "shoe_cabinet": r"신발장",
    "balcony": r"베란다|배란다|베렌다|발코니|발콘",
    "security": r"CCTV|씨씨티비|도어락|디지털\s?락|보안|방범|비디오폰",
    "dryer": r"건조기|(?<=세탁기/)건조|(?<=세탁/)건조",
    "full_option": r"풀\s?옵션|풀\s?옵숀|풀옵(?![가-힣])|풀\s?빌트인|풀퍼니시드",
}
_ENGLISH = {
    "air_conditioner": r"\bair[- ]?condition(?:er|ers|ing|ed)\b|\bA/C\b|\bcentral air\b|\bAC (?:unit|included)\b|"
    r"\bcentral (?:heat(?:ing)? (?:and|&) )air\b",
    "washing_machine": r"\bwashers?\b(?! ?(?:and|&|/|\+|-)? ?d?r?y?e?r?s? ?(?:hook|connection))(?<!dishwasher)|"
    r"\bw/d\b(?! ?(?:hook|connection))|\bwashing machine",
    "refrigerator": r"\b(?:refrigerators?|fridge)\b",
    "induction_stove": r"\binduction\b",
    "gas_stove": r"\bgas (?:stove|range|cooktop|oven)\b",
    "microwave": r"\bmicrowave\b",
    "bed": r"\b(?:queen|king|twin|full|double|single)(?:[- ]size)? beds?\b|\bbed(?:,| and) (?:a )?(?:desk|dresser|"
    r"bedding)\b|\bBed, desk\b",
    "desk": r"\bdesk\b(?! area)",
    "closet": r"\bclosets?\b|\bwardrobe\b",
    "tv": r"\b(?:smart |flat[- ]screen )?TV\b(?! ?(?:hook|ready|mount))",
    "internet": r"\binternet\b|\bwi-?fi\b",
    "shoe_cabinet": r"\bshoe (?:cabinet|rack|closet)\b",
    "balcony": r"\bbalcon(?:y|ies)\b",
    "security": r"\bsecurity (?:system|camera|cameras|door|guard|patrol)\b|\bsecure(?:d)? (?:entry|entrance|building|"
    r"access)\b|\bintercom\b|\bcctv\b|\bcontrolled access\b|\bdeadbolt\b",
    "dryer": r"\bdr[yi]ers?\b(?! ?(?:hook|connection))|\bw/d\b(?! ?(?:hook|connection))",
    "full_option": r"\bfully furnished\b",
}
_FLAGS = re.IGNORECASE
_KOREAN_OPTIONS = {label: re.compile(pattern, _FLAGS) for label, pattern in _KOREAN.items()}
_ENGLISH_OPTIONS = {label: re.compile(pattern, _FLAGS) for label, pattern in _ENGLISH.items()}
# What stands after an item in its clause and says that it is not let with the home.
_NOT_THERE = re.compile(
    r"^(?:[이가은는도를을]|\s|등|자리|\d대|\))*(?:없|[xX×](?![A-Za-z])|무(?![가-힣])|미포함|불포함|제외|빼고|가져|양도|판매|별도\s?구매|들어가|들어갈|들어감|놓을|놓기|"
    r"놓고\s?쓰|자리|식탁\s?들어|둘\s?(?:곳|수)|설치\s?(?:가능|하세요|예정|해야)|직접)"
)
_TAKEN = re.compile(r"(?:을|를|은|는|이|가|등은|등)?\s?(?:제외|빼고|가져가|옵션이?\s?(?:아니|아님|X)|안\s?(?:주|드))")
_SOLD = re.compile(r"양도|판매|들어갑니다|들어가는|들어감|들어가요|직접\s?설치|개인\s?물건")
_CLAUSE = re.compile(r"[,.!?\n;]|(?<=[고며])\s")
_SENTENCE = re.compile(r"[.!?\n]|(?<=[요다])\s(?=[가-힣])")
_NO_ENGLISH = re.compile(r"\b(?:no|without|not include|doesn't have|does not have)\b[\w /]{0,12}$", re.IGNORECASE)
_NOT_ENGLISH = re.compile(
    r"^[\w ]{0,12}(?:not included|hook-?ups?|connections?|on-?site facilit|extra charge|\bready\b)", re.IGNORECASE
)


def read_korean_options(text: PostText) -> Found | None:
    """Options of a Korean advert, in the order of the list."""
    found: dict[str, Span] = {}
    for label, pattern in _KOREAN_OPTIONS.items():
        for cue in cues(pattern, text):
            rest = cue.after(40)
            clause = _CLAUSE.split(rest, maxsplit=1)[0]
            sentence = _SENTENCE.split(rest, maxsplit=1)[0]
            if not (_NOT_THERE.match(clause) or _TAKEN.search(sentence) or _SOLD.search(clause)):
                found[label] = cue.span()
                break
    return Found(tuple(found), tuple(found.values())) if found else None


def read_english_options(text: PostText) -> Found | None:
    """Options of an English advert, in the order of the list."""
    found: dict[str, Span] = {}
    for label, pattern in _ENGLISH_OPTIONS.items():
        for cue in cues(pattern, text):
            if not (_NO_ENGLISH.search(cue.before(24)) or _NOT_ENGLISH.match(cue.after(32))):
                found[label] = cue.span()
                break
    return Found(tuple(found), tuple(found.values())) if found else None

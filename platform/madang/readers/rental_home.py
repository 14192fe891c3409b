"""What a Korean rental advert says of the home itself: its type, rooms, bathrooms, floor and size."""

import re

from madang.extraction.grounding import PostText
from madang.readers.areas import M2_PER_PYEONG
from madang.readers.cues import Cue, cues, first_cue
from madang.readers.found import Found

# 오피스텔급, 빌라식, 아파트 같은: what it is like, not what it is. 빌라 뒤, 아파트 단지 인근: what stands beside it.
_NOT_IT = (
    r"(?!\s?(?:급|식|풍|느낌|스타일|같은|처럼|보다|수준|못지|형\s|단지|촌|앞|옆|뒤|바로\s?뒤|인근|근처|건너|맞은|주변|대단지|"
    r"상가|키|담보|대출|청약|이사)|형(?![가-힣]))"
)
_SHOP = (
    r"(?:상가(?!\s?(?:주택|건물|와|들|가|밀집|도|많|이용))|(?<![도린겸])사무실|점포|근생\s?사무소|공유\s?오피스|쇼룸|작업실|연습실|"
    r"(?:카페|식당|가게|매장|음식점)\s?(?:하던\s?)?(?:자리|양도|임대))"
)
_OTHER = (
    r"공장|창고(?!\s?(?:있|처럼|로\s?쓰|가|도|공간|제공|사용))|토지|고시원(?!\s?(?:보다|아님|급))|고시텔|셰어\s?하우스|쉐어\s?하우스|하숙|"
    r"주차장\s?임대"
)
_DETACHED = (
    r"다가구|단독\s?주택|단독\s?다가구|상가\s?주택|(?<![가-힣])(?:전원)?주택(?![가-힣])|주택\s?(?:월세|전세|매매|일층)"
)
_OFFICETEL = re.compile(rf"(?<![,/·] )(?<![,/·])오피스텔{_NOT_IT}(?!\s?(?:[,·/]|까지|등|및))")
_BUILDINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("shop_office", re.compile(rf"{_SHOP}{_NOT_IT}(?!\s?(?:겸|로도|또는|로\s?(?:사용|쓰)))")),
    ("other", re.compile(_OTHER)),
    ("officetel", _OFFICETEL),
    ("apartment", re.compile(rf"(?<![가-힣]대단지 )(?:아파트|APT){_NOT_IT}", re.IGNORECASE)),
    ("villa_multiplex", re.compile(rf"(?:빌라|다세대|연립){_NOT_IT}")),
    ("detached_multi_household", re.compile(rf"(?:{_DETACHED}){_NOT_IT}")),
)
_ONE_HALF = re.compile(r"(?<!\d)1\.5\s?룸|일점오룸|투베이")
_LIKE = r"(?!\s?(?:같은|처럼|보다|급|사이즈|못지|도\s?가능))"
_TWO_PLUS = re.compile(rf"(?:(?:투|쓰리|포)룸|(?<![\d.])[2-5]\s?룸){_LIKE}")
_ONE = re.compile(r"원룸(?!\s?(?:촌|텔|이사|부터|~|,?\s?투룸|건물|급))|원룸텔")
# What a board writes before the price or the district names the building: 다가구주택 이문동, 오피스텔 1000/60.
_LEADING = re.compile(
    r"^\s*(?:(?P<detached_multi_household>다가구주택|단독주택|단독/다가구|상가주택|주택)|(?P<villa_multiplex>연립/다세대|빌라/연립|빌라|다세대|연립)|"
    r"(?P<apartment>아파트)|(?P<officetel>오피스텔|도시형생활주택\(오피스텔\))|(?P<shop_office>상가/점포|상가|사무실)|(?P<other>공장/창고|공장|"
    r"창고|토지|기타))(?=\s|$)(?!\s?(?:단지|앞|옆|뒤|인근|근처|상가))"
)

_NATIVE = {"한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6}
_NATIVE_COUNT = r"(?P<count>[1-9](?!\d|\.\d|\s?[~\-]\s?\d)|(?:다섯|여섯|한|두|세|네)(?=\s?(?:개|칸))|하나|둘|셋|넷)"
_ROOMS = re.compile(
    rf"(?<![가-힣])(?:넓은|큰|작은|지층|지상|구조|올수리)?방(?:이|은)?\s?:?\s?{_NATIVE_COUNT}(?!\s?(?:층|평|분|번|호|인|년|월(?!세)|명|억|만|천|%))|"
    rf"(?<![\d.~+\-])(?P<spelt>[1-9])\s?룸{_LIKE}|(?P<word>원룸|투룸|쓰리룸|포룸){_LIKE}(?!\s?(?:이상|부터|~|촌|이사|,\s?투룸|/투룸|건물|급))"
)
_ROOM_WORDS = {"원룸": 1, "투룸": 2, "쓰리룸": 3, "포룸": 4}
_BATHROOMS = re.compile(
    rf"(?:화장실|욕실|(?<![가-힣])화|(?<=[실루])화|(?<=\d)화|(?<![가-힣])욕|(?<=\d)욕)(?:이|은|도)?\s?:?\s?{_NATIVE_COUNT}"
    r"(?!\s?(?:층|평|분|번|호|인|년|월(?!세)|명|시(?!스)|억|만|천|%))"
)

_FLOOR = re.compile(
    r"(?P<below>반\s?지하(?:층)?|반지층|(?<![가-힣])지하\s?\d{0,2}\s?층|[Bb]\d층|(?<![가-힣\d반])지하(?=\s?(?:창고|방|원룸|투룸|입니다|이|\s|$))"
    r"(?!\s?(?:주차|철|상가|보도|차도))|(?<![가-힣반상])지층|(?<=계단)지층)|"
    r"(?P<top>옥탑(?=방|층)?)|(?P<high>고층)|(?P<low>저층)|(?P<mid>중층)|"
    r"(?P<of>(?<![가-힣\d.~/])\d{1,2})\s?/\s?\d{1,2}\s?층|(?P<number>(?<![\d.~])(?<!\d/)\d{1,2}(?:\.5)?)\s?층|"
    r"(?P<spelt>[일이삼사오]층)"
)
# 1층같은 반지하, 5층 건물, 1층에 편의점, 2층침대, 층간소음: not the floor of the home.
_NOT_FLOOR = re.compile(
    r"\s?(?:같은|처럼|뷰|느낌|높이|침대|정도|건물|짜리|규모|간\s?소음|간|별|고|중\s?\d|에\s?(?:있|살|사세|편의|카페|마트|주인|저희|위치한?\s?(?:카페|상가)|식당|화장실)|"
    r"에는|엔\s|은\s|마다|까지|화장실|상가(?!\s?,)|카페|편의점|주택(?!\s?\d)|단독주택|독채\s?건물|아파트|현관)"
)
_OWN_FLOOR = re.compile(r"\s?(?:상가|독채|전체|통)")
_BEFORE_NOT_FLOOR = re.compile(r"(?:총|전체|지상|최고|각|전|모든|화장실|창고)\s?$")

_AREA = re.compile(
    r"(?P<kind>전용(?:\s?면적)?|실\s?평수|실\s?면적|실사용|실|공급(?:\s?면적)?|계약(?:\s?면적)?|분양(?:\s?면적)?|대지(?:\s?면적)?|연면적|"
    r"토지)?\s?[:은는이약]?\s?약?\s?"
    r"(?<![\d.~\-])(?P<size>\d{1,4}(?:\.\d{1,2})?)\s?"
    r"(?P<unit>평(?!일|지|균|생|소|당|\s?단위)|m2|m\^2|제곱\s?미터|제곱|헤베|py(?![a-z])|[Pp](?![A-Za-z가-힣]))"
)
_BARE_AREA = re.compile(r"전용\s?(?:면적)?\s?(?P<size>\d{1,3}(?:\.\d{1,2})?)(?![\d.]|\s?(?:평|m|주차|세대|층|대|개))")
_PART_OF_HOME = re.compile(
    r"(?:옥상|마당|테라스|거실|방|주방|베란다|창고|각|복층|발코니|텃밭)(?:은|는|이|가)?\s?(?:약\s?)?$"
)


def read_property_type(text: PostText) -> Found | None:
    """What is let. A building's name stands before the number of its rooms, the title before the body."""
    columns = [PostText({part: written}) for part, written in text.parts.items()]
    for column in columns[:1]:
        leading = first_cue(_LEADING, column)
        if leading is not None:
            label = str(leading.match.lastgroup)
            return Found(label, (leading.span(label),))
    for column in columns:
        for label, pattern in _BUILDINGS:
            cue = first_cue(pattern, column)
            if cue is not None:
                return Found(label, (cue.span(),))
        officetel = next((cue for other in columns if (cue := first_cue(_OFFICETEL, other))), None)
        for label, pattern in (("one_half_room", _ONE_HALF), ("two_room_plus", _TWO_PLUS), ("one_room", _ONE)):
            cue = first_cue(pattern, column)
            if cue is not None:
                return Found(label, (cue.span(),)) if officetel is None else Found("officetel", (officetel.span(),))
    return None


def read_rooms(text: PostText) -> Found | None:
    """Number of rooms; a home with one and a half, and one with two or more, say none."""
    for cue in cues(_ROOMS, text):
        count, spelt, word = cue.match["count"], cue.match["spelt"], cue.match["word"]
        if word:
            return Found(float(_ROOM_WORDS[word]), (cue.span(),))
        return Found(float(_NATIVE.get(count) or count or spelt), (cue.span(),))
    return None


def read_bathrooms(text: PostText) -> Found | None:
    """Number of bathrooms."""
    cue = first_cue(_BATHROOMS, text)
    if cue is None:
        return None
    count = cue.match["count"]
    return Found(float(_NATIVE.get(count) or count), (cue.span(),))


def read_floor(text: PostText) -> Found | None:
    """The home's floor as written; high, mid and low where only that is said."""
    for cue in cues(_FLOOR, text):
        kind = str(cue.match.lastgroup)
        follows, before = cue.after(12), cue.before(6)
        if kind in ("number", "spelt") and (
            (_NOT_FLOOR.match(follows) and not _OWN_FLOOR.match(follows)) or _BEFORE_NOT_FLOOR.search(before)
        ):
            continue
        if kind not in ("number", "spelt") and re.match(r"\s?(?:같은|처럼|뷰|아님|아닌|없|x|X|제외|주차)", follows):
            continue
        if kind in ("high", "low", "mid"):
            return Found(kind, (cue.span(),))
        if kind == "top":
            return Found("옥탑", (cue.span(),))
        if kind in ("of", "number"):
            return Found(f"{cue.match[kind]}층", (cue.span(),))
        if kind == "spelt":
            return Found(f"{'일이삼사오'.index(cue.match['spelt'][0]) + 1}층", (cue.span(),))
        return Found(cue.match.group(), (cue.span(),))
    return None


def read_area(text: PostText) -> Found | None:
    """Floor area in m2 to one decimal: the exclusive one (전용) where several are said."""
    own: list[tuple[bool, Cue]] = []
    for cue in cues(_AREA, text):
        kind = cue.match["kind"] or ""
        if not kind.startswith(("대지", "연면적", "토지")) and not _PART_OF_HOME.search(cue.before(8)):
            own.append((kind.startswith(("전용", "실")), cue))
    if own:
        cue = next((cue for is_exclusive, cue in own if is_exclusive), own[0][1])
        size, in_pyeong = float(cue.match["size"]), cue.match["unit"][0] in "평pP"
    else:
        bare = first_cue(_BARE_AREA, text)
        if bare is None:
            return None
        # 전용13 counts 평; 전용 59 or 전용 39.6 is how m2 are written.
        cue, size = bare, float(bare.match["size"])
        in_pyeong = size.is_integer() and size <= 45
    m2 = round(size * M2_PER_PYEONG, 1) if in_pyeong else round(size, 1)
    return Found(m2, (cue.span(),)) if 3 <= m2 <= 3000 else None

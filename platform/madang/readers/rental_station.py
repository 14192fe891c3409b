"""The station that a Korean rental advert names, and the minutes on foot to it."""

import re
from dataclasses import dataclass

from madang.extraction.grounding import PostText, Span
from madang.readers.cues import Cue, cues
from madang.readers.found import Found

_AFTER_NAME = (
    r"(?=[^가-힣]|$|도보|걸어|걷|인근|근처|부근|근접|바로|앞|옆|뒤|에서|에|이용|까지|과|와|은|는|이|을|의|도|세권|역세권|초역세|및|출구|방향|편리|가까|코앞|사이|지상|"
    r"인접|주변|또는|생활|입니|임|거리|뛰)"
)
_NAME = re.compile(rf"(?:호선\s?|(?<![가-힣]))(?P<name>[가-힣]{{2,9}}?|[가-힣]{{1,5}}\s입구)역(?!사거리){_AFTER_NAME}")
# 충정로 역세권, 건대입구 도보 10분: stations without 역.
_NEAR_NAME = re.compile(r"(?<![가-힣])(?P<name>[가-힣]{2,6})\s(?:초|더블|트리플)?\s?역세권")
_ENTRANCE = re.compile(r"(?<![가-힣])(?P<name>[가-힣]{2,6}입구)(?=\s?(?:도보|걸어|\d{1,2}\s?분|역세권|초역세))")
_NO_NAME = re.compile(
    r"(?:지하철|전철|더블|따블|트리플|쿼드러플|가까운|환승|해당|호선|교통|(?:귀가|인기|주거|상업|중심|밀집|개발|선호|안전|상권|전)지|(?:개발|정비|학군|관리)구|있는|없는|좋은|"
    r"저렴한)$|^(?:초+|지역|이번|다음|각|양|도보|인근|근처|바로)$"
)
# Before a space 역세권 is more often described than named: 년식있는 역세권, 조용한 역세권.
_NOT_NEAR = re.compile(
    r"(?:[는한된은의급인린운큰]|지하철|전철|더블|따블|트리플|초|서울|호선|교통|위치|주변|대로변|풀옵션|원룸|투룸|신축|수리|리모델링|오피스텔|[동구]|근처|인근|도보|최고|가능|깨끗|"
    r"깔끔|저렴|편리|남향|전용)$"
)
# What advertisers glue to a station's name: 풀옵션망우역, 과기대인근공릉역.
_GLUED = re.compile(
    r"(?:인근|도보|근처|주변|풀옵션|위치|주택가|대로변|신축급?|원룸|투룸|깔끔한?|가까운|바로앞|평지|분리형|오피스텔|월세|전세|교통|조용한|가능|완료)(?=[가-힣]{2})"
)
_MINUTES = re.compile(
    r"\s?(?:\(?\d호선\)?)?\s?(?:에서|까지|과|와|이|은|는|으로|로부터|바로\s?앞|앞|인근|근처)?\s?[:\-,]?\s?(?:\d{1,2}\s?번\s?출구)?\s?(?:에서|까지)?\s?"
    r"(?P<foot>도보(?:로|거리)?|걸어서?|걸음으로|뛰어서)?\s?(?:약|단|"
    r"딱)?\s?(?P<minutes>\d{1,2})\s?(?:[~\-]\s?\d{1,2}\s?)?분(?!\s?간격|의\s?1)"
)
# Two names before one time: 월계역, 인덕대 도보 5분.
_SHARED_MINUTES = re.compile(r"[,·/\s]\s?[가-힣]{2,6}\s(?P<foot>도보)\s?(?:약\s?)?(?P<minutes>\d{1,2})\s?분")
_MINUTES_BEFORE = re.compile(
    r"(?P<foot>도보|걸어서?)\s?(?:약\s?)?(?P<minutes>\d{1,2})\s?분\s?(?:거리|이내|내|컷)?\s?(?:에|의|인)?\s?$"
)
_TO_THE_STATION = re.compile(
    r"(?<![가-힣])(?:지하철)?역\s?(?:까지|에서)?\s?(?P<foot>도보|걸어서?)\s?(?:약\s?)?(?P<minutes>\d{1,2})\s?분"
)
_RIDE = re.compile(r"(?:버스|차량?|자차|자전거|택시|지하철)(?:로|으로)?\s?(?:약\s?)?$")


@dataclass(frozen=True)
class _Station:
    name: str
    span: Span
    minutes: float | None
    minutes_span: Span | None
    is_on_foot: bool


def read_station(text: PostText) -> dict[str, Found]:
    """The station and the minutes to it.

    Of several stations the first is taken whose distance is said, else the first; of several distances the one that is
    said to be on foot.

    Returns:
        Of `near_station` and `walk_minutes` those that are stated.
    """
    stations = _stations(text)
    if not stations:
        return {}
    chosen = next((one for one in stations if one.minutes is not None), stations[0])
    found = {"near_station": Found(chosen.name, (chosen.span,))}
    timed = [one for one in stations if one.name == chosen.name and one.minutes is not None]
    timed.sort(key=lambda one: not one.is_on_foot)
    if timed:
        minutes, span = timed[0].minutes, timed[0].minutes_span
        assert minutes is not None
        assert span is not None
        found["walk_minutes"] = Found(minutes, (span,))
    else:
        walk = next(cues(_TO_THE_STATION, text), None)
        if walk is not None:
            found["walk_minutes"] = Found(float(walk.match["minutes"]), (walk.span(),))
    return found


def _stations(text: PostText) -> list[_Station]:
    """Every station, in the order of the text."""
    columns = list(text.parts)
    named = [cue for pattern in (_NAME, _NEAR_NAME, _ENTRANCE) for cue in cues(pattern, text)]
    named.sort(key=lambda cue: (columns.index(cue.part), cue.match.start("name")))
    return [
        _station(cue)
        for cue in named
        if not _NO_NAME.search(cue.match["name"])
        and not (cue.match.re is _NEAR_NAME and _NOT_NEAR.search(cue.match["name"]))
    ]


def _station(cue: Cue) -> _Station:
    written = cue.match.string
    start, end = cue.match.start("name"), cue.match.end("name")
    end += written.startswith("역", end)
    start += len(cue.match["name"]) - len(_GLUED.split(cue.match["name"])[-1])
    name = written[start : cue.match.end("name")]
    if len(name) > 2 and name.endswith("초") and written.startswith("역세", cue.match.end("name")):
        name = name[:-1]
    name = "".join(name.split()) + "역"
    span = Span(cue.part, start, end)
    after = _MINUTES.match(written, end) or _SHARED_MINUTES.match(written, end)
    if after is None:
        after = _MINUTES_BEFORE.search(written[max(start - 20, 0) : start])
        if after is None:
            return _Station(name, span, None, None, is_on_foot=False)
        offset = max(start - 20, 0)
        place = Span(cue.part, offset + after.start("foot"), offset + after.end("minutes"))
        return _Station(name, span, float(after["minutes"]), place, is_on_foot=True)
    first = after.start("foot") if after["foot"] else after.start("minutes")
    if _RIDE.search(written[max(first - 6, 0) : first]):
        return _Station(name, span, None, None, is_on_foot=False)
    return _Station(name, span, float(after["minutes"]), Span(cue.part, first, after.end()), bool(after["foot"]))

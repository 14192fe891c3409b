"""Floor areas: 평, m2, ㎡, 제곱미터 and square feet, all to m2."""

import re

M2_PER_PYEONG = 3.3058
M2_PER_SQFT = 0.092903
_AREA = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s*(평|m2|m²|㎡|제곱미터|(?:sq\.?|square)\s?(?:ft|feet|foot)|sf)", re.IGNORECASE
)


def read_area_m2(text: str) -> float | None:
    """Reads the first area of a quote.

    Returns:
        Square metres to one decimal, or None if no area with a unit stands there.
    """
    match = _AREA.search(text)
    if match is None:
        return None
    size, unit = float(match.group(1).replace(",", "")), match.group(2).lower()
    if unit == "평":
        return round(size * M2_PER_PYEONG, 1)
    if unit.startswith("s"):
        return round(size * M2_PER_SQFT, 1)
    return round(size, 1)

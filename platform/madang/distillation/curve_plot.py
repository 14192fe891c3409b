"""How a training went, epoch by epoch, as SVG: the loss on what it learns from, and the figure on which it stops."""

from collections.abc import Sequence

# Mean loss and figure, 0 to 1, of each epoch.
Curve = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 560, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 52, 40, 44
_INK, _BLUE, _RED = "#222", "#1f5fa8", "#b3261e"


def curve_plot(curve: Curve) -> str:
    """A training as SVG: the loss by the left scale, from 0 to its greatest, the figure by the right one, 0 to 1.

    Args:
        curve: Its epochs, at least one.
    """
    most = max(loss for loss, _ in curve) or 1.0
    best = max(range(len(curve)), key=lambda epoch: curve[epoch][1])

    def at(epoch: int, share: float) -> tuple[float, float]:
        x = _LEFT + (epoch + 0.5) / len(curve) * (_WIDTH - _LEFT - _RIGHT)
        return x, _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    losses = [at(epoch, loss / most) for epoch, (loss, _) in enumerate(curve)]
    figures = [at(epoch, figure) for epoch, (_, figure) in enumerate(curve)]
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}V{_TOP}" fill="none" stroke="{_INK}"/>',
        *_curve(losses, _RED),
        *_curve(figures, _BLUE),
        f'<circle cx="{figures[best][0]:.1f}" cy="{figures[best][1]:.1f}" r="6" fill="none" stroke="{_BLUE}"/>',
        _words(_LEFT, 18, "loss on what is learnt from", _RED, "start"),
        _words(right, 18, "mean F1 on what decides when to stop; ringed: kept", _BLUE, "end"),
        _words(_LEFT - 6, _TOP + 4, f"{most:.2g}", _RED, "end"),
        _words(_LEFT - 6, bottom, "0", _RED, "end"),
        _words(right + 6, _TOP + 4, "1", _BLUE, "start"),
        _words(right + 6, bottom, "0", _BLUE, "start"),
        *(_words(at(epoch, 0)[0], bottom + 16, str(epoch + 1), _INK, "middle") for epoch in range(len(curve))),
        _words((_LEFT + right) / 2, bottom + 34, "epoch", _INK, "middle"),
    ]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>')  # fmt: skip


def _curve(points: Sequence[tuple[float, float]], color: str) -> list[str]:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
    return [f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{line}"/>', *dots]


def _words(x: float, y: float, text: str, color: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{color}" text-anchor="{anchor}">{text}</text>'

import re
from xml.etree import ElementTree

from madang.distillation.curve_plot import curve_plot

CURVE = [(2.0, 0.3), (1.0, 0.7), (0.5, 0.6)]


def test_the_epoch_that_is_kept_is_ringed():
    (ring,) = re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r="6"', curve_plot(CURVE))
    figures = re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r="3" fill="#1f5fa8"/>', curve_plot(CURVE))

    assert figures.index(ring) == 1


def test_every_epoch_has_its_loss_and_its_figure():
    root = ElementTree.fromstring(curve_plot(CURVE))
    lines = [len(line.attrib["points"].split()) for line in root.iter("{http://www.w3.org/2000/svg}polyline")]

    assert lines == [3, 3]


def test_the_loss_falls_from_the_top_of_its_scale():
    points = re.findall(r'r="3" fill="#b3261e"/>', curve_plot(CURVE))
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)" r="3" fill="#b3261e"', curve_plot(CURVE))]

    assert len(points) == 3
    assert heights[0] == 40.0
    assert heights == sorted(heights)

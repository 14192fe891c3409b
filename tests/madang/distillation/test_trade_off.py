"""The trade-off as a table and a plot, and the price that it rests on."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.promise import Promise, Trade
from madang.distillation.teacher import TeacherPrice, teacher_price, teacher_task
from madang.distillation.trade_off import price_line, trade_plot, trade_table
from madang.extraction.spans import NOTHING, Span
from madang.models.specs import CustomModel

TRADES = [Trade(0.9, 0.5, 1.0, 0.97, 1.0, "kind"), Trade(0.2, 1.0, 0.91, 0.88, 0.94, "shops")]
PROMISE = Promise(0.95, 0.9, 0.5, {"kind": 0.97})
PRICE = TeacherPrice(("flash",), Span(0.3, 0.4, 0.6), Span(1.0, 2.0, 4.0))


def words(plot: str) -> list[str]:
    return [str(node.text) for node in ElementTree.fromstring(plot).iter() if node.tag.endswith("text")]


def test_the_table_tells_share_cost_and_bounds():
    assert trade_table(TRADES, PRICE) == [
        "| kept | dollars | minutes | worst field | right | bounds, 95% each |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 50% | 0.20 | 1.01 | kind | 1.000 | 0.970 to 1.000 |",
        "| 100% | 0.0040 | 0.0200 | shops | 0.910 | 0.880 to 0.940 |",
    ]


def test_without_a_price_the_table_tells_no_cost():
    assert trade_table(TRADES, None)[0] == "| kept | worst field | right | bounds, 95% each |"
    assert price_line(None).startswith("No price is known")


def test_the_plot_tells_both_scales_and_where_the_promise_stands():
    found = words(trade_plot(TRADES, PROMISE, PRICE))

    assert {"kept at the promise: 50% of posts", "promised: 95%", "0.40", "0.0040", "0%", "100%", "1.00"} <= set(found)
    assert "US dollars for 1,000 posts: what is not kept, and the audit" in found


def test_the_plot_of_a_teacher_that_takes_no_money_tells_minutes():
    found = words(trade_plot(TRADES, PROMISE, replace(PRICE, usd=NOTHING)))

    assert "minutes for 1,000 posts: what is not kept, and the audit" in found


def test_the_plot_says_where_nothing_is_kept():
    found = words(trade_plot([], Promise(0.95, None, 0.0, {}), None))

    assert "nothing is kept: no threshold keeps the promise" in found


def test_the_teacher_is_the_route_without_its_students(market):
    teacher = teacher_task(market.task, market.settings())

    assert teacher is not None
    assert [(route.use, route.fallback) for route in teacher.declaration.models] == [("local", ())]


def test_the_price_is_that_of_the_teacher(market):
    settings = market.settings()
    options = {"log": str(market.folder / "requests.log"), "usd": 0.01}
    local = CustomModel(lane="online", factory="fakes:ScriptedModel", identity="scripted-1", options=options)
    priced = settings.model_copy(update={"models": {**settings.models, "local": local}})
    posts = market.dataset(market.labels(30)).posts
    found = teacher_price(market.task, priced, posts, None)

    assert found is not None
    assert (found.names, found.usd.high) == (("local",), pytest.approx(10.0))


def test_nobody_knows_the_price_of_a_model_that_the_settings_do_not_have(market):
    settings = market.settings()
    alone = settings.model_copy(update={"models": {"small": settings.models["small"]}})
    posts = market.dataset(market.labels(30)).posts

    assert teacher_price(market.task, alone, posts, None) is None

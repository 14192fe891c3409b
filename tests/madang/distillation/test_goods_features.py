from madang.distillation.goods_features import goods_features, names_goods
from madang.schema.label import LabelField

CATEGORY = LabelField(kind="label", of=("digital", "furniture", "books", "plant", "pet", "other"))
CONDITION = LabelField(kind="label", of=("new", "good", "fair"))


def test_only_a_field_whose_classes_the_vocabulary_groups_sees_goods():
    assert names_goods(CATEGORY)
    assert not names_goods(CONDITION)


def test_the_last_product_of_a_title_is_told_from_the_first():
    seen = set(goods_features("노트북 책상 팝니다\n깨끗해요"))

    assert "goods first title digital" in seen
    assert "goods last title furniture" in seen


def test_a_post_that_names_no_goods_tells_nothing():
    assert list(goods_features("안녕하세요\n반갑습니다")) == []

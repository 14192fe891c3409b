from madang.distillation.clusters import near_duplicates

POST = "원룸 급하게 내놓습니다. 역에서 걸어서 오 분 거리이고 햇빛이 잘 들어요. 보증금은 500 이고 월세는 40 입니다."


def test_a_repost_with_another_number_is_in_the_cluster_of_the_first():
    texts = ["동네 산책 모임에서 함께 걸으실 분을 찾아요", POST, POST.replace("40", "45"), POST.replace(".", "!")]

    assert near_duplicates(texts) == [0, 1, 1, 1]


def test_short_posts_are_near_duplicates_only_if_they_are_equal():
    assert near_duplicates(["책", "의자", "책", ""]) == [0, 1, 0, 3]


def test_nothing_has_no_clusters():
    assert near_duplicates([]) == []

import hashlib

from madang.evaluation.gold import GoldPost
from madang.evaluation.sampling import part_of, sampled

POSTS = [GoldPost({"source": "s", "post_id": f"p{number}"}, {}) for number in range(1000)]


def ids(posts):
    return [post.key[1] for post in posts]


def test_sixty_percent_of_gold_is_for_tuning():
    shares = [part_of(post_id) for post_id in ids(POSTS)]

    assert shares.count("tune") + shares.count("score") == 1000
    assert 560 < shares.count("tune") < 640


def test_the_part_is_fixed_by_the_hash_of_the_post_id():
    digits = [int(hashlib.sha256(post_id.encode()).hexdigest(), 16) % 10 for post_id in ("p0", "p1", "p2", "p3")]

    assert [part_of(f"p{number}") for number in range(4)] == ["tune" if digit < 6 else "score" for digit in digits]


def test_the_parts_share_no_post_and_leave_none_out():
    tune, score = sampled(POSTS, "tune", None, 0), sampled(POSTS, "score", None, 0)

    assert set(ids(tune)) | set(ids(score)) == set(ids(POSTS))
    assert not set(ids(tune)) & set(ids(score))


def test_the_sample_is_the_smallest_hashes_in_whatever_order_gold_is():
    expected = sorted(ids(POSTS), key=lambda post_id: hashlib.sha256(f"7:{post_id}".encode()).hexdigest())[:20]

    assert ids(sampled(POSTS, "all", 20, 7)) == expected
    assert ids(sampled(POSTS[::-1], "all", 20, 7)) == expected


def test_another_seed_gives_another_sample():
    assert ids(sampled(POSTS, "all", 20, 0)) != ids(sampled(POSTS, "all", 20, 1))


def test_a_sample_larger_than_gold_is_all_of_it():
    assert len(sampled(POSTS, "all", 5000, 0)) == 1000

"""Clusters: what a reader sees as one character stays in one piece."""

import unicodedata

from madang.posts.clusters import clusters


def test_a_cluster_is_a_base_with_what_combines_with_it() -> None:
    assert clusters("ae\u0301b") == [(0, 1), (1, 3), (3, 4)]


def test_a_decomposed_syllable_is_one_cluster() -> None:
    assert clusters(unicodedata.normalize("NFD", "각가")) == [(0, 3), (3, 5)]


def test_a_mark_without_a_base_begins_a_cluster() -> None:
    assert clusters("\u0301a") == [(0, 1), (1, 2)]


def test_nothing_has_no_cluster() -> None:
    assert clusters("") == []

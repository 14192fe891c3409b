import pytest
from scenario import make_project, post

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.distillation.distil import distil
from madang.distillation.registry import Registry

_WORDS = ["저녁에", "아침마다", "주말에", "한강에서", "천천히", "편하게", "같이", "다 함께", "비가 오면", "눈이 오면"]


def invitation(number: int) -> dict[str, object]:
    """A post about running, a cafe or golf, in words of its own."""
    body = f"{['running', 'cafe', 'golf'][number % 3]} {_WORDS[number % 10]} {_WORDS[number // 10 % 10]} 모집 {number}"
    return post(f"p{number:03}", f"{body} {'가나다라마바사아자차카타파하'[number % 14]}조")


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A project whose posts the released recipe has read, and the student that learnt from its rows alone."""
    made = make_project(tmp_path_factory.mktemp("released") / "project", ("meetups",))
    made.ingest(*(invitation(number) for number in range(90)))
    made.run()
    yield made, distil(made.task(), made.settings, [], warehouse=made.warehouse, fields=["topics"])
    made.close()


def test_the_card_names_the_recipe_as_the_teacher(taught):
    _, student = taught

    assert "Teacher of 90 posts: the released recipe meetups@1." in student.card


def test_the_student_stores_the_recipe_and_the_counts_of_its_data(taught):
    project, _ = taught
    told = Registry(project.settings.home).find("meetups@1").manifest.dataset

    assert (told["recipe"], told["posts"], told["origins"]) == ("meetups@1", 90, {"extraction": 90})
    assert told["classes"] == {"topics": {"cafe": 30, "golf": 30, "running": 30}}


def test_the_student_says_what_the_recipe_would_have_said(taught):
    _, student = taught
    said = student.student.load().says(["내일 golf 치러 가요", "동네 cafe 수다"])

    assert [one["topics"].guess.answer for one in said] == [["golf"], ["cafe"]]

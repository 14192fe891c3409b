"""What a student and a task's readers say of posts, in the form in which answers are compared."""

from collections.abc import Mapping, Sequence

from madang.distillation.dataset import field_keys, without_places
from madang.distillation.heads import Guess
from madang.distillation.labelled import LabelledPost
from madang.evaluation.answers import Answer
from madang.evaluation.lanes import of_lane
from madang.extraction.extract import Extractor
from madang.settings import Settings
from madang.task import Task

Answers = dict[str, dict[int, Answer]]


def guessed_answers(task: Task, names: Sequence[str], guesses: Mapping[int, Mapping[str, Guess]]) -> Answers:
    """By field, then by index of a post. Where nothing is said, the field's default stands, as in a row.

    Args:
        task: The task.
        names: The fields.
        guesses: What a student says, by index of a post, then by field.
    """
    found: Answers = {}
    for name in names:
        default = field_keys(task)[name].predicted({name: task.fields[name].unstated(), f"{name}__mentions": []})
        found[name] = {at: default if one[name].answer is None else one[name].value for at, one in guesses.items()}
    return found


def read_answers(task: Task, settings: Settings, names: Sequence[str], posts: Mapping[int, LabelledPost]) -> Answers:
    """What the readers say of the fields for which they are named, by field, then by index of a post.

    Args:
        task: The task.
        settings: The project's settings.
        names: The fields; those that no reader reads are left out.
        posts: By index.
    """
    own = [name for name in names if task.fields[name].read is not None]
    if not own:
        return {}
    extractor, keys = Extractor(of_lane(task, settings, "reader")), field_keys(task)
    found: Answers = {name: {} for name in own}
    for at, post in posts.items():
        extraction = extractor.unasked(post.text)
        mentions = {f"{name}__mentions": [one.row for one in extraction.mentions.get(name, ())] for name in own}
        for name in own:
            found[name][at] = without_places(keys[name].predicted(extraction.values | mentions))
    return found

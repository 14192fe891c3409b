"""`dg scaffold defs orchestration.ExtractionTask NAME`: a folder that loads and runs."""

from string import Template

import dagster as dg

_DECLARATION = Template("""\
type: orchestration.ExtractionTask
attributes:
  name: $task
  entity: post
  source:
    kind: table
    table: raw.posts
    where: "true"            # SQL over the columns of raw.posts
    text: [title, body]
  fields:
    topic:
      kind: label
      describe: "what the post is"
      of: [question, offer, review, other]
      default: other
  prompt: prompt.md
  examples: examples.jsonl
  models:
    - {use: local, max_tokens: 64}
""")
_PROMPT = """\
Read the post and answer in JSON. Leave out what it does not state.
{% for field in fields %}
- {{ field.name }}: {{ field.describe }}{% if field.labels %} ({{ field.labels | join(", ") }}){% endif %}

{% endfor %}
"""
_EXAMPLE = (
    '{"title": "근처 세탁소 추천 부탁드려요", "body": "이사 와서 아는 곳이 없어요", "answer": {"topic": "question"}}\n'
)


class ExtractionTaskScaffolder(dg.Scaffolder):
    """Writes defs.yaml, prompt.md and examples.jsonl."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Writes the folder of a new task."""
        folder = request.target_path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "defs.yaml").write_text(_DECLARATION.substitute(task=folder.name), encoding="utf-8")
        (folder / "prompt.md").write_text(_PROMPT, encoding="utf-8")
        (folder / "examples.jsonl").write_text(_EXAMPLE, encoding="utf-8")

"""What `feast apply` finds: it looks at module attributes only, never inside a list."""

from feature_repo.views import build
from madang.settings import Settings
from madang.task import load_tasks

_settings = Settings.load()
# Feast makes the last level of a folder only, and a home need not be there yet.
(_settings.home / "feast").mkdir(parents=True, exist_ok=True)
_tasks, _ = load_tasks(_settings.project)
globals().update({f"{type(item).__name__}_{item.name}": item for item in build(_tasks, _settings).everything})

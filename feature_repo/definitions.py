"""What `feast apply` finds: it looks at module attributes only, never inside a list."""

from feature_repo.views import build
from madang.settings import Settings
from madang.task import load_tasks

_settings = Settings.load()
_tasks, _ = load_tasks(_settings.project)
globals().update({f"{type(item).__name__}_{item.name}": item for item in build(_tasks, _settings).everything})

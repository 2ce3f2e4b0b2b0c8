"""Reading configuration and white list again while the service goes on."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import HuissierError
from huissier.adapters.gateway.serving.systemd import notify, notify_reloading
from huissier.adapters.gateway.settings import FrontName, Settings, WhiteListSection
from huissier.adapters.white_list.file import read_white_list

_LOG: Final = logging.getLogger(__name__)


class Reloading:
    """Has the new settings followed, all of them or none; one reload at a time."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        load: Callable[[], Settings],
        front: FrontName,
        followers: Callable[[Settings], None],
    ) -> None:
        """`load` reads the settings; `followers` are told of new ones, on the event loop."""
        self._engine = engine
        self._begun_with = settings
        self._load = load
        self._front: FrontName = front
        self._followers = followers
        self._one = asyncio.Lock()

    async def reload(self) -> bool:
        """Read again and follow; False where something was wrong and all is as before."""
        async with self._one:
            notify_reloading()
            try:
                settings = await asyncio.to_thread(self._read)
            except HuissierError as problem:
                _LOG.error("reload-refused", extra={"why": str(problem)})
                return False
            except Exception as problem:
                _LOG.error("reload-refused", extra={"problem": type(problem).__name__})
                return False
            finally:
                notify("READY=1")
            self._followers(settings)
            self._warn_of_fixed(settings)
            _LOG.info("reloaded")
            return True

    def _read(self) -> Settings:
        """Read everything before anything is followed."""
        settings = self._load()
        load_white_list(self._engine, settings.white_list)
        self._engine.follow(settings.rules)
        return settings

    def _warn_of_fixed(self, new: Settings) -> None:
        """Say which of the new settings will only hold after a restart, at every reload until there is one."""
        old = self._begun_with
        fixed = {
            "store": old.store != new.store,
            f"{self._front}.listen": old.front(self._front).listen != new.front(self._front).listen,
            f"{self._front}.unix_mode": old.front(self._front).unix_mode != new.front(self._front).unix_mode,
            f"{self._front}.metrics": old.front(self._front).metrics != new.front(self._front).metrics,
        }
        if changed := [key for key, differs in fixed.items() if differs]:
            _LOG.warning("restart-needed", extra={"keys": changed})


def load_white_list(engine: Engine, section: WhiteListSection) -> None:
    """Verify the list and record what it changes, where one is named. Raises `WhiteListError` and `StoreError`."""
    if not section.file:
        return
    white_list = read_white_list(Path(section.file), Path(section.trust))
    max_age = None if section.max_age_days is None else timedelta(days=section.max_age_days)
    report = engine.load_white_list(white_list, max_age=max_age)
    said = {"domains": report.domains, "admitted": report.admitted, "withdrawn": report.withdrawn}
    _LOG.info("white-list-loaded", extra={"generated_at": report.generated_at.isoformat(), **said})

"""The API server's release: some rules differ between releases."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.core.release import NEWEST

if TYPE_CHECKING:
    from tiergate.cluster.api import Api

INTERVAL: Final = 60.0
"""Seconds between two reads of the release: it changes when a cluster is upgraded."""

logger = logging.getLogger(__name__)


class _Version(msgspec.Struct):
    minor: str = ""


async def told_minor(api: Api) -> int | None:
    """Return the minor number of the API server's release, None where it says none.

    Raises:
        ApiError, Unreachable: There is no answer.
        msgspec.MsgspecError: The answer is not a version.
    """
    version = msgspec.json.decode(await api.server_version(), type=_Version)
    digits = re.match(r"[0-9]+", version.minor)  # some vendors write "37+"
    return int(digits[0]) if digits else None


class ServerRelease:
    """Follows the minor number of the release; until it is known it is the newest one we know."""

    def __init__(self, api: Api) -> None:
        """Take what asks; nothing is asked before ``run``."""
        self._api = api
        self._warned = NEWEST
        self.minor: int = NEWEST

    async def run(self) -> None:
        """Ask for ever; without an answer the last one stays, which is no reason not to serve."""
        while True:
            try:
                told = await told_minor(self._api)
            except (ApiError, Unreachable, msgspec.MsgspecError) as error:
                fields = {"assumed": f"1.{self.minor}", "reason": str(error)}
                logger.warning("the API server's release is not known", extra={"fields": fields})
            else:
                if told is not None:
                    self.minor = told
                    self._warn_if_newer()
            await asyncio.sleep(INTERVAL)

    def _warn_if_newer(self) -> None:
        """Tell once of each release that is newer than the tested ones: the chart installs on it all the same."""
        if self.minor > self._warned:
            self._warned = self.minor
            fields = {"release": f"1.{self.minor}", "tested": f"1.{NEWEST}"}
            logger.warning("the API server is newer than what this version was tested with", extra={"fields": fields})

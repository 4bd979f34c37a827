"""One process or several, as ``accelerate launch`` starts them: who writes, and who waits."""

from __future__ import annotations

import os


def process_count() -> int:
    """How many processes train this model together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this is the process that prints and writes."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_all() -> None:
    """Return when every process has come here."""
    if process_count() > 1:
        from accelerate import PartialState  # type: ignore[import-untyped, unused-ignore]

        PartialState().wait_for_everyone()

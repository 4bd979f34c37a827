"""How many processors this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA_V2 = Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_PERIOD_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cpus() -> int:
    """Processors that are allowed to this process, by affinity and by a container's quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _container_quota()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def _container_quota() -> float | None:
    """Processors that a Linux control group allows, or ``None`` for no limit."""
    try:
        if _QUOTA_V2.is_file():
            limit, period = _QUOTA_V2.read_text().split()
        else:
            limit, period = _QUOTA_V1.read_text(), _PERIOD_V1.read_text()
        value = float(limit) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return None
    return value if value > 0 else None

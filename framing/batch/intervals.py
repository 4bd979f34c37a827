"""95 % confidence intervals for shares of sentences, and for net stance."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % confidence interval, ``low <= value <= high``."""

    value: float
    low: float
    high: float


def wilson(count: int, total: int) -> Estimate | None:
    """The share ``count / total`` with Wilson's score interval, all in [0, 1].

    ``None`` where ``total`` is 0. Source: E. B. Wilson, "Probable inference, the law of
    succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    if total == 0:
        return None
    share = count / total
    shrink = 1 + _Z**2 / total
    middle = (share + _Z**2 / (2 * total)) / shrink
    half = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2)) / shrink
    # Rounding must not put the share outside its own interval.
    return Estimate(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def net_difference(plus: int, minus: int, total: int) -> Estimate | None:
    """``(plus - minus) / total`` with its interval, all in [-1, 1]; ``None`` without a total.

    ``plus`` and ``minus`` count exclusive kinds among the same ``total`` items, so their
    shares are paired: every item is one, the other, or neither. The interval is method 10 of
    R. G. Newcombe, "Improved confidence intervals for the difference between binomial
    proportions based on paired data", Statistics in Medicine 17 (1998), 2635-2650: Wilson
    limits of both shares, squared and added, less the part that their correlation explains.
    """
    first, second = wilson(plus, total), wilson(minus, total)
    if first is None or second is None:
        return None
    p, q = first.value, second.value
    spread = p * (1 - p) * q * (1 - q)
    correlation = -p * q / sqrt(spread) if spread > 0 else 0.0

    def reach(a: float, b: float) -> float:
        return sqrt(max(0.0, a * a + b * b - 2 * correlation * a * b))

    net = p - q
    return Estimate(
        net,
        max(-1.0, net - reach(p - first.low, second.high - q)),
        min(1.0, net + reach(first.high - p, q - second.low)),
    )


def percent(share: Estimate | None) -> str:
    """A share with its interval, for people: 12.0% [9.1%, 15.6%]."""
    return "–" if share is None else f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"


def signed(net: Estimate | None) -> str:
    """A net stance with its interval, for people: +0.20 [-0.05, +0.42]."""
    return "–" if net is None else f"{net.value:+.2f} [{net.low:+.2f}, {net.high:+.2f}]"

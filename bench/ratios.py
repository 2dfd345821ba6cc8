"""What a run's numbers say: medians, and ratios taken within rounds.

A round runs every contender once. Two numbers of the same round were measured within seconds of each
other, so whatever else the machine did weighs on both: their ratio repeats where the numbers do not. The
order of contenders is reversed in every second round (A B C, C B A, ...), so that a steady drift cancels.
"""

from dataclasses import dataclass
from statistics import median

# nginx costs 1.4 to 1.9 times the link relay where neither noise nor a detuned nginx is at work.
VALID_LOW, VALID_HIGH = 1.4, 1.9


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float
    count: int

    def as_json(self):
        return {"median": round(self.median, 4), "low": round(self.low, 4),
                "high": round(self.high, 4), "count": self.count}


def spread(values):
    """The median with the extremes, or None when there is no value."""
    values = [value for value in values if value is not None]
    return Spread(median(values), min(values), max(values), len(values)) if values else None


def ratio_by_pairs(over, under):
    """The spread of over[i] / under[i]. A round in which either is missing or not positive does not count."""
    return spread([a / b for a, b in zip(over, under, strict=True)
                   if a is not None and b is not None and a > 0 and b > 0])


def order_of_round(names, index):
    """Who runs when in round `index`: forward in even rounds, backward in odd ones."""
    return list(names) if index % 2 == 0 else list(reversed(names))


def least_disturbed(disturbances, wanted):
    """Indices of the `wanted` rounds that others disturbed least, in the order in which they ran."""
    by_disturbance = sorted(range(len(disturbances)), key=lambda index: disturbances[index])
    return sorted(by_disturbance[:wanted])


def validity(nginx_to_link):
    """None where nginx and the link relay were not both measured, else whether the run counts."""
    if nginx_to_link is None:
        return None
    return VALID_LOW <= nginx_to_link.median <= VALID_HIGH

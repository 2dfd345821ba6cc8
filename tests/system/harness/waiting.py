"""Waiting for something to become true, with a bound and a reason."""

import time

from . import http


def eventually(check, seconds: float = 15, interval: float = 0.02):
    """The first true result of check(); while it raises AssertionError, OSError or Closed it counts as false.
    After `seconds` an AssertionError tells the last trouble."""
    end = time.monotonic() + seconds
    while True:
        try:
            result = check()
            if result:
                return result
            trouble = f"still {result!r}"
        except (AssertionError, OSError, http.Closed) as error:
            trouble = repr(error)
        assert time.monotonic() < end, f"after {seconds} s: {trouble}"
        time.sleep(interval)

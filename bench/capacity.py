#!/usr/bin/env python3
"""./dev bench capacity: sidekick-bench capacity; without arguments the reference suite (see suite.py)."""

import suite

if __name__ == "__main__":
    suite.main("capacity")

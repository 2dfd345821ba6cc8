#!/usr/bin/env python3
"""./dev bench overload: sidekick-bench overload; without arguments the reference suite (see suite.py)."""

import suite

if __name__ == "__main__":
    suite.main("overload")

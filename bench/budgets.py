#!/usr/bin/env python3
"""./dev bench budgets: sidekick-bench budgets; without arguments the reference suite (see suite.py)."""

import suite

if __name__ == "__main__":
    suite.main("budgets")

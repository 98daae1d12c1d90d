"""The garbage collector of a long-lived process."""

import gc

FIRST_GENERATION = 10_000
"""Allocations between two collections of the youngest objects; Python's 700 to 2,000 are for short programs."""


def settle() -> None:
    """Set what has been loaded so far apart, to be called once when a process has started.

    Modules, classes and tables are hundreds of thousands of objects that never go; without this each full collection
    walks them all and stops the process for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GENERATION, 20, 50)

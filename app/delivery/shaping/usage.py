"""What the exchange with the other processes keeps about a site. Imports the standard library only."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Usage:
    """Whether a site is used, and how its process stands to the others that use it."""

    active_at: float
    """When it was last seen in use."""
    was_alone: bool = False
    """Whether it had an even part until now: then joining takes nothing from it."""
    has_joined: bool = False
    is_leaving: bool = False
    asked_at: float = -math.inf
    left_at: float = -math.inf
    begun: int = 0
    """Messages begun at the last exchange."""

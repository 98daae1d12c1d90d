"""How fast each destination is sent to: limits per MX site, back-off, circuits, warm-up plans.

    rules, rules_file   the limits: values, and the TOML they are read from (shaping.toml and the operator's file)
    signals             what an outcome says about the site it came from
    bucket, backoff, circuit    the three brakes, each alone
    site                one destination in one process: share, brakes, what the drain asks
    warmup, budget      a new sender domain's messages per day
    shaper, asking, usage   all of a process, and the exchange with the other processes through Valkey

Everything but `shaper` is pure. Source: docs/shaping.md.
"""

from app.delivery.shaping.budget import Budget
from app.delivery.shaping.rules import Limits, Rules, ShapingProblem, SiteRule, WarmupPlan
from app.delivery.shaping.rules_file import load_rules
from app.delivery.shaping.shaper import Shaper
from app.delivery.shaping.site import Site

__all__ = ["Budget", "Limits", "Rules", "Shaper", "ShapingProblem", "Site", "SiteRule", "WarmupPlan", "load_rules"]

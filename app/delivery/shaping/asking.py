"""What a process asks for its sites at an exchange, and what becomes of the answer. May import `site`, `app.valkey`."""

import math

from app.delivery.shaping.site import Site
from app.valkey.shares import Begins, SiteAsk, SiteShare

LEAVE_SECONDS = 2.0
"""A site not used for this long gives its share back."""
CALM_SECONDS = 1.0
"""How often a site asks that has no rate to be adjusted and lacks nothing."""
HEADROOM = 1.25
"""A process asks for this much more than it used, so that a growing demand is not held back."""


def is_due(site: Site, now: float) -> bool:
    """Tell whether a site has something to ask at this exchange; notices whether it is used."""
    usage = site.usage
    starved = site.is_starved
    if starved or site.begun != usage.begun:
        usage.active_at = now
        if not site.limits.shared:
            usage.begun = site.begun
    if not site.limits.shared:
        return False
    if now - usage.active_at > LEAVE_SECONDS:
        return usage.has_joined
    calm = site.limits.rate is None and not starved and usage.has_joined
    return not calm or now - usage.asked_at >= CALM_SECONDS


def ask_for(site: Site, now: float) -> SiteAsk:
    """Return what a site that is due asks for."""
    usage, limits = site.usage, site.limits
    if now - usage.active_at > LEAVE_SECONDS:
        usage.is_leaving = True
        return SiteAsk(site.key, limits.rate, limits.connections, leaves=True)
    elapsed = now - usage.asked_at
    used = (site.begun - usage.begun) / elapsed if 0.0 < elapsed < math.inf else math.inf
    demand = math.inf if site.is_starved or not usage.has_joined else HEADROOM * used
    if site.share is not None and site.rate is not None and site.rate < site.share:
        # Back-off leaves part of the share unused; the others may have it.
        demand = min(demand, HEADROOM * site.rate)
    usage.begun, usage.asked_at = site.begun, now
    site.is_starved = False
    return SiteAsk(site.key, limits.rate, limits.connections, demand)


def take(site: Site, share: SiteShare, now: float, *, even: tuple[int, float | None] | None, most: int) -> None:
    """Give a site its share.

    Args:
        site: The site.
        share: What the exchange brought.
        now: Present time, in seconds.
        even: Sessions and rate of an even part, which must not be exceeded yet; None: the share as it is.
        most: Sessions one process opens at most.
    """
    usage = site.usage
    if usage.is_leaving:
        usage.has_joined = usage.is_leaving = False
        usage.left_at = now
        rest(site)
        return
    rate, connections = share.rate, min(share.connections, most)
    if even is not None:
        connections = min(connections, even[0])
        rate = rate if rate is None or even[1] is None else min(rate, even[1])
    tokens = None
    if not usage.has_joined and not usage.was_alone:
        tokens = _first_tokens(site, share, now)
    usage.has_joined, usage.was_alone = True, False
    site.grant(connections=connections, rate=rate, tokens=tokens)


def rest(site: Site) -> None:
    """Let a site that is not used have no rate until it has asked for one."""
    if site.limits.rate is not None:
        site.grant(connections=site.share_connections, rate=0.0, tokens=0.0)


def _first_tokens(site: Site, share: SiteShare, now: float) -> float:
    """Return the messages that may begin at once when a process comes to a site.

    One when nobody was there lately, none when others were: they may have used what was saved up. Who was the last
    himself gets what the whole rate made since he left.
    """
    if share.begins is Begins.GOES_ON and site.limits.rate is not None:
        return min(1.0, (now - site.usage.left_at) * site.limits.rate)
    return 1.0 if share.begins is Begins.FRESH else 0.0

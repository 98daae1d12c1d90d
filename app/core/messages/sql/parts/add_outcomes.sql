        delivered = count.delivered + excluded.delivered, deferred = count.deferred + excluded.deferred,
        hard_bounces = count.hard_bounces + excluded.hard_bounces, soft_bounces = count.soft_bounces + excluded.soft_bounces,
        blocked_complaint = count.blocked_complaint + excluded.blocked_complaint,
        blocked_hardbounce = count.blocked_hardbounce + excluded.blocked_hardbounce,
        blocked_manual = count.blocked_manual + excluded.blocked_manual,
        blocked_softbounce = count.blocked_softbounce + excluded.blocked_softbounce,
        blocked_unsubscribe = count.blocked_unsubscribe + excluded.blocked_unsubscribe

-- The first number of the measure $6, of a row of counters.
           CASE $6::text
               WHEN 'accepted' THEN accepted
               WHEN 'bounces' THEN soft_bounces
               WHEN 'blocked' THEN blocked_complaint + blocked_hardbounce + blocked_manual + blocked_softbounce
                                   + blocked_unsubscribe
               WHEN 'complaint' THEN blocked_complaint
               WHEN 'hardbounce' THEN blocked_hardbounce
               WHEN 'manual' THEN blocked_manual
               WHEN 'softbounce' THEN blocked_softbounce
               WHEN 'unsubscribe' THEN blocked_unsubscribe END AS first,

"""What a sender's domain publishes in DNS: its DKIM key, its SPF and DMARC policies.

    records      whom to ask, and what is said when there is no answer
    dkim_key     the key record of a selector (RFC 6376, 3.6.1)
    dmarc        whether there is a DMARC policy (RFC 7489, 6)
    spf_terms    an SPF record taken apart (RFC 7208, 4.6 and 12)
    spf_macros   domain names with macros in them (RFC 7208, 7)
    spf          whether a domain lets us send (RFC 7208, 4)

Pure but for the questions, which go through `records.Records`. Imports the standard library alone.
"""

"""From the queue to SMTP: claims copies, composes, sends, records; and the sandbox inbox.

    drain       the loop of one delivery process: claim, send, record
    steps       what is done for one copy, as named steps
    retry       what an outcome makes of a copy: delivered, tried again, bounced
    recorder    outcomes -> PostgreSQL, in groups
    journal     what a process that was killed had begun
    keeper      renews this process's leases, and has lost ones looked after
    recovery    takes over what dead processes held
    sandbox     the SMTP server of the sandbox inbox

May import core's front doors, mail and infrastructure; knows no HTTP.
"""

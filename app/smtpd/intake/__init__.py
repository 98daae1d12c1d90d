"""The intake: mail that comes back to us.

desk      decides over sessions: which addresses are ours, and what a mail leads to
applying  one mail for the addresses it came to: read in a thread, applied in a transaction, again after a collision
groups    the delivery reports of all sessions, applied together
maildir   the same from a folder, where another mail server receives
process   the process: the listener, or the folder, until a signal
"""

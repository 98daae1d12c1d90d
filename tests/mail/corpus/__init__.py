"""Labelled reports: `known/` the rules were written on, `unseen/` they were not.

A group in a file is a form of report and the replies it is filled with; a label is what the table of
docs/contract/dyn-email.md, 15 makes of that reply, put there by hand. `python -m tests.mail.corpus` prints the rates.
"""

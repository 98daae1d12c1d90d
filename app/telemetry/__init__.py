"""What the process tells about itself: log lines, counters, and the ids that tie lines together.

May import `app.settings` and `app.kit`.
"""

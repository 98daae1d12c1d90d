"""Processes behind the API: Celery workers, delivery processes, the scheduler.

    celery_app      the Celery application
    chores          what the scheduler does itself
    delivery        the Celery application of a delivery process, which also hosts the drain
    drain_thread    the drain's event loop, in a thread of its own beside Celery
    runtime         one event loop and one engine per worker process
    scheduler       the ticker: every sweep, its period, its reason
    tasks/          job "housekeeping.make_partitions" is workers/tasks/housekeeping.py:make_partitions; three
                    lines each

Celery carries wake-ups only: every task may be lost or run twice without harm. May import everything in `app`.
"""

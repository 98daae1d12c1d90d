"""Processes behind the API: Celery workers, delivery processes, the scheduler, the outbox.

    celery_app      the Celery application
    chores          what the scheduler does itself
    delivery        the application with the task of a delivery process, which also hosts the drain
    drain_thread    the drain's event loop, in a thread of its own beside Celery
    event_router    domain events to those who follow them
    outbox          the process of the router and the senders, which routes events and calls customers' URLs
    postback_calls  what there is to call of postbacks
    runtime         one event loop and one engine per worker process
    scheduler       the ticker: every sweep, its period, its reason
    sender          claims calls, makes them, records how they ended
    sender_dns      DNS as the tasks of senders ask it
    tasks/          job "housekeeping.make_partitions" is workers/tasks/housekeeping.py:make_partitions; three
                    lines each
    webhook_calls   what there is to call of webhooks
    worker          the application with all other tasks

Celery carries wake-ups only: every task may be lost or run twice without harm. May import everything in `app`.
"""

"""What the platform does: one package per noun, no HTTP, no JSON names, no Celery, no sockets.

Others use what a package's `__init__` names and nothing deeper; `tests/architecture` keeps it so.
"""

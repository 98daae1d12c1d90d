"""Dyno Email Marketing: root URLs on the main listener, and alone on the Dyno listener.

`User-Api-Key`, an envelope with `has_error`, 500 for what is not found. May import `app.dependencies`, the core's front
doors, `app.telemetry`.
"""

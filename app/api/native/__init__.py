"""Trireme's own API: `/api/trireme/v1`, and what stands at the root of the listener.

Bearer keys, RFC 9457 problems, cursors, OpenAPI. May import `app.dependencies`, the core's front doors and
`app.telemetry`.
"""

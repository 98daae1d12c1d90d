"""Dynosend: `/api/v2/...`, audiences, contacts, events, campaigns, transactional messages and the blacklist.

`Authorization: Bearer KEY`, parameters in any form with any verb, bare objects, `{"status": "error", "message": ...}`.
May import `app.dependencies`, `app.db.unit_of_work`, the core's front doors, `app.kit`, `app.telemetry`, `app.valkey`.

    router      the table: every URL on one screen, and what every request goes through
    bodies      bytes to members
    params      members to checked values
    auth        credentials, the caller, rights
    rate        requests per second
    envelope    answers
    errors      errors in the family's words

The others serve what their URL says; `contact_list` shows contacts, `description` is for `/openapi.json`.
"""

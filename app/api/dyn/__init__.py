"""Dyn Email Delivery: `/rest/{json,xml,html}/...`, and its metrics at the root of the URL space.

`router` is the route table; a request passes `params` (query and body), `auth` (key to account), its endpoint, and
leaves through `envelope` or `errors`.

Source: docs/contract/dyn-email.md, docs/contract/dyn-metrics.md.
"""

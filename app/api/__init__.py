"""The foreign APIs and our own: translation only.

| folder      | prefix                                   | credential                | envelope                     |
|-------------|------------------------------------------|---------------------------|------------------------------|
| dyn         | /rest/{json,xml,html}/...                | parameter `apikey`        | {"response": {...}}          |
| dyn/metrics | /bounces /bounce /emails /email /blocked | Authorization: apikey=KEY | five fields around `data`    |
| dyno        | /templates /lists ..., second listener   | User-Api-Key: KEY         | {has_error, error_code, ...} |
| dynosend    | /api/v2/...                              | Authorization: Bearer KEY | none, or status and message  |
| native      | /api/trireme/v1/...                      | Authorization: Bearer KEY | none, or RFC 9457 problem    |

Families do not know each other; what two of them need is a verb of the core. `families` says who owns a URL, `failures`
turns an error into the owner's words, `receiving` bounds the bodies of all.
"""

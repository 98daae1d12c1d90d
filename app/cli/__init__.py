"""What an operator types.

    commands        every command with its options, a module per group; each imports its work when it runs
    configuration   the settings of a part, or sentences about what is wrong with them
    up              everything on one machine, supervised
    plan            the settings `up` gives to the parts
    state           the files of a data directory: lock, secrets.json, ports.json, runtime.json
    runtime         what a running `up` tells scripts
    banner          what it tells people
    parts           each part alone, as containers run them
    import_dyn      bringing along what Dyn Email Delivery kept
    import_dynosend bringing along audiences and contacts of Dynosend
    following       a job that a command does itself, with its progress
    migrate, account, routes, doctor, inbox, health    the other commands

May import everything below it; the package `workers` stands above and is loaded by name in a process of its own.
"""

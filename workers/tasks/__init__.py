"""Tasks: the name of a job is its module and function. Three lines each; the work is in `app`."""

"""What processes share through Valkey, apart from the queue's nudges.

    client      a connection with time-outs
    rate_limit  requests per second
    shares      one exchange divides the limits of destinations among the delivery processes

Everything here may be away: nothing is kept that can't be made again. May import `app.settings` and `app.kit`.
"""

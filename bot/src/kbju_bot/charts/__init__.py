"""The chart of a user's progress: described by `spec`, drawn by `drawing` in a process of its own, see `worker`."""

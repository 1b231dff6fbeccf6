"""Exit codes of the program, from sysexits(3), so that a deployment can tell what went wrong."""

OK = 0
USAGE = 64
"""The command line is wrong."""
SCHEMA_TOO_OLD = 65
"""The database's schema is older than this bot needs: migrate first."""
NO_INPUT = 66
"""The file to import is not there, or is not what it should be."""
UNAVAILABLE = 69
"""The database did not answer in time, or refused the login."""
SOFTWARE = 70
"""A failure that is the program's own, a failed migration among them."""
CANT_CREATE = 73
"""The report can't be written."""
CONFIG = 78
"""At least one setting is missing or wrong; each is named on stderr."""

"""Which failures of the database pass by themselves."""

import asyncpg


class StorageUnavailableError(Exception):
    """The database can't do its work now; the same work will succeed later."""


class StatementRefusedError(StorageUnavailableError):
    """The database refuses a statement as such: a schema that does not fit, a right that is missing.

    That gets repaired, so the work is worth keeping; but where only this one piece of work meets it, it is the work.
    """


# Data the database refuses will be refused again. Everything else (no connection, shutdown, deadlock, timeout, missing
# rights, a schema that is being changed) passes or gets repaired, so work that met it must be kept and repeated.
_PERMANENT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


def passes(error: BaseException) -> bool:
    """Tell whether `error`, met while working with the database, is worth repeating the work for."""
    return isinstance(error, _DATABASE) and not isinstance(error, _PERMANENT)


def brief(error: BaseException) -> str:
    """Return one line on `error` that holds no data of users: a server's DETAIL may quote rows and is left out."""
    if isinstance(error, TimeoutError) and not str(error):
        return "timed out"
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unavailable(error: BaseException) -> StorageUnavailableError:
    """Return what to raise instead of a failure that passes."""
    refused = isinstance(error, asyncpg.SyntaxOrAccessError)
    return (StatementRefusedError if refused else StorageUnavailableError)(brief(error))

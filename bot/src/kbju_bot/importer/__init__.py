"""Taking over the DEV version's SQLite file: read, convert (pure), write in one transaction, report."""

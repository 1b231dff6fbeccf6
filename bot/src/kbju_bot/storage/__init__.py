"""PostgreSQL: connections, tables, locks and migrations."""

"""PostgreSQL: engine, transaction, naming convention and types, statements from files."""

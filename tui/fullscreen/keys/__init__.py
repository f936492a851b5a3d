"""Which key does what: the table, changes of it, and what terminals send for Alt."""

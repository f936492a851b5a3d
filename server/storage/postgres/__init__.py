"""A room in PostgreSQL, which several servers share; the only package that imports psycopg."""

"""Items in PostgreSQL, through the Django ORM."""

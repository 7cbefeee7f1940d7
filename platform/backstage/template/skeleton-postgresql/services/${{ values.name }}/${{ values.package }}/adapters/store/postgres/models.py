"""The tables."""

from django.db import models


class ItemRow(models.Model):
    """An item."""

    # Ids compare by byte, so that their order is the same here, in Python and in every locale.
    id = models.CharField(primary_key=True, max_length=100, db_collation="C")
    name = models.TextField()

    class Meta:
        """Name of the table."""

        db_table = "item"

    def __str__(self) -> str:
        """Return the id."""
        return self.id

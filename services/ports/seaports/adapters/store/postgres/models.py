"""The tables."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models


class PortRow(models.Model):
    """A port as it is served, beside what its selection compares.

    The document is text, not jsonb: the bytes that were prepared once are the bytes served, and
    the same as any other store's. For SQL, `document::jsonb` opens it.
    """

    # Ids compare by byte, so that their order is the same here, in Python and in every locale.
    id = models.CharField(primary_key=True, max_length=5, db_collation="C")
    document = models.TextField()
    # Folded by the application, so that every store calls the same names equal.
    name = models.TextField()
    country = models.TextField()

    class Meta:
        """Names and indexes of the table."""

        db_table = "port"
        indexes = (
            models.Index("country", "id", name="port_country_id"),
            GinIndex(name="port_name_trigrams", fields=["name"], opclasses=["gin_trgm_ops"]),
        )

    def __str__(self) -> str:
        """Return the id."""
        return self.id


class StoreRow(models.Model):
    """One row: the revision that the ports are at and their number. Every writer locks it first."""

    id = models.SmallIntegerField(primary_key=True)
    revision = models.BigIntegerField()
    ports = models.BigIntegerField()

    class Meta:
        """Name of the table."""

        db_table = "port_store"

    def __str__(self) -> str:
        """Return the revision."""
        return str(self.revision)

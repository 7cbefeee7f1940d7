"""The tables as they first were."""

import django.contrib.postgres.indexes
from django.apps.registry import Apps
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _first_revision(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - of Django
    apps.get_model("ports", "StoreRow").objects.create(id=1, revision=0, ports=0)


class Migration(migrations.Migration):
    """Create both tables and the row that writers lock."""

    initial = True
    dependencies = ()
    operations = (
        TrigramExtension(),
        migrations.CreateModel(
            name="PortRow",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", max_length=5, primary_key=True, serialize=False
                    ),
                ),
                ("document", models.TextField()),
                ("name", models.TextField()),
                ("country", models.TextField()),
            ],
            options={
                "db_table": "port",
                "indexes": [
                    models.Index(models.F("country"), models.F("id"), name="port_country_id"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["name"], name="port_name_trigrams", opclasses=["gin_trgm_ops"]
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoreRow",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField()),
                ("ports", models.BigIntegerField()),
            ],
            options={"db_table": "port_store"},
        ),
        migrations.RunPython(_first_revision, migrations.RunPython.noop),
    )

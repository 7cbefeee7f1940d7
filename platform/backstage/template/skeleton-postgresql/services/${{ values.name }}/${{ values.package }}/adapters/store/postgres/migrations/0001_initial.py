"""The table as it first was, with two items to try the service with."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _examples(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001 - of Django
    items = apps.get_model("${{ values.package }}", "ItemRow").objects
    items.create(id="first", name="The first item")
    items.create(id="second", name="The second item")


class Migration(migrations.Migration):
    """Create the table."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="ItemRow",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", max_length=100, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.TextField()),
            ],
            options={"db_table": "item"},
        ),
        migrations.RunPython(_examples, migrations.RunPython.noop),
    )

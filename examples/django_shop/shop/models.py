"""The table of products."""

from django.db import connection, models


class Product(models.Model):
    """A product; `cents` is its price."""

    name = models.CharField(max_length=80)
    cents = models.IntegerField()


def fill():
    """Make the table and write 500 products."""
    with connection.schema_editor() as editor:
        editor.create_model(Product)
    Product.objects.bulk_create(
        Product(name=f"tea number {number}", cents=100 + number) for number in range(1, 501)
    )

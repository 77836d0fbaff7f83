"""Open an inventory by the user's text: a size to generate, or the name of a file."""

from pathlib import Path

from targets.asset_core.data.generator import Inventory
from targets.asset_core.data.importing import Imported, is_file_name
from targets.asset_core.data.inventory import Assets


def open_inventory(data: str, seed: int) -> Assets:
    """Return the generated inventory of a size and seed, or the one in a file. Raises DataError for other text."""
    return Imported(Path(data)) if is_file_name(data) else Inventory(data, seed)

"""A folder from which no noise of the machine makes a run invalid: what it asks for can then be asked exactly."""

from pathlib import Path

TOLERANT = """
[tool.harness.validity]
lag-percent = [1e6, 1e6]
lag-ms = [1e6, 1e6]
descheduled-percent = [100, 100]
late-percent = [100, 100]
warmup-percent = 100
clock-step-ms = 1e6
"""


def tolerant(folder: Path) -> Path:
    """Make the folder a project of its own with these limits, and return it; a run takes them from where it is made."""
    (folder / "pyproject.toml").write_text(TOLERANT, "utf-8")
    return folder

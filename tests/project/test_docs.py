"""The documents for people and agents name what there is: every command, every schema, every format, and no file that is missing."""

import re

import pytest

from harness.cli import COMMANDS
from harness.errors import ExitCode
from harness.work import exporting, exporting_receipts
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)#:]+)\)")


def test_llms_txt_names_every_command_every_exit_code_and_every_schema():
    text = (DOCS / "llms.txt").read_text("utf-8")
    assert [command.name for command in COMMANDS if f"`harness {command.name}" not in text] == []
    codes = {int(code) for code in re.findall(r"^- (\d+): ", text, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode}
    assert set(re.findall(r"schemas/(\w+)\.json", text)) == {
        path.stem for path in DOCS.glob("schemas/*.json")
    }


def test_every_format_of_runs_is_described():
    text = (DOCS / "exports.md").read_text("utf-8")
    formats = {*exporting.FORMATS, exporting.OTLP} - set(exporting_receipts.FORMATS)
    assert [name for name in sorted(formats) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.*")), ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path):
    assert [link for link in LINK.findall(path.read_text("utf-8")) if not (DOCS / link).exists()] == []

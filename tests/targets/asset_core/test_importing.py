"""Inventories of users: whole, or with a reason for each line that cannot be used."""

import csv
import io
import json
import random
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.asset_core.data import lines
from targets.asset_core.data.generator import Inventory
from targets.asset_core.data.importing import Imported, count_parts, read_bundles
from targets.asset_core.data.lines import FAULT_LIMIT
from targets.asset_core.data.opening import open_inventory
from targets.asset_core.data.rows import FIELDS, row_of
from targets.asset_core.errors import DataError
from targets.core_target import create
from targets.core_works.requests import OPERATIONS

GOOD = '{"id":"host:a","type":"host","name":"A"}'
HEADER = "id,type,name\n"


@pytest.fixture
def write(tmp_path):
    def make(content, name="inventory.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def rows(inventory):
    return "".join(json.dumps(row_of(bundle)) + "\n" for bundle in inventory)


def as_csv(inventory):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    for bundle in inventory:
        row = row_of(bundle)
        row["tags"] = ";".join(row["tags"])
        writer.writerow({k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()})
    return text.getvalue()


def faults_of(path):
    with pytest.raises(DataError) as caught:
        Imported(path)
    first, *rest = str(caught.value).split("\n  ")
    assert "so nothing is loaded" in first
    return rest


@pytest.mark.parametrize(("name", "form"), [("x.jsonl", rows), ("x.ndjson", rows), ("x.csv", as_csv)])
def test_a_generated_inventory_that_is_written_out_reads_back_as_it_was(write, inventory, name, form):
    imported = open_inventory(str(write(form(inventory), name)), 1)
    assert list(imported) == list(inventory)
    assert list(imported.tenants) == list(inventory.tenants)
    assert imported.identity(321) == inventory.identity(321)
    assert imported.bundle(321) == inventory.bundle(321)


def test_assets_of_a_tenant_stand_side_by_side_whatever_their_order_in_the_file(write):
    order = [("b", "1"), ("a", "1"), ("b", "2"), ("a", "2"), ("b", "3")]
    text = "\n".join(json.dumps({"id": i, "tenant": t, "type": "host", "name": ""}) for t, i in order)
    imported = Imported(write(text))
    assert [imported.identity(number) for number in range(5)] == [
        ("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("b", "3"),
    ]  # fmt: skip
    assert [(own.name, own.first, own.count) for own in imported.tenants] == [("a", 0, 2), ("b", 2, 3)]


def test_what_is_left_out_has_a_default_and_empty_lines_are_passed_over(write):
    (bundle,) = Imported(write(f"\ufeff\n{GOOD}\r\n\n  \n"))
    (same,) = Imported(write("\ufeffid , type,name,criticality,risks\n\nhost:a,host,A,,\n", "x.csv"))
    assert bundle == same
    assert (bundle.asset.tenant, bundle.asset.criticality, bundle.risks) == ("imported", 1, [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{bad", "is not JSON"),
        ("[1]", "must be an object"),
        ("[" * 100_000, "nested too deep"),
        (b"\xff\xfe{", "is not UTF-8 (byte 1 of the line)"),
        ('{"id":"x y","type":"host","name":"A"}', "id: must be 1 to 128 of"),
        ('{"id":"a#META","type":"host","name":"A"}', "id: must be 1 to 128 of"),
        ('{"id":"a\\n","type":"host","name":"A"}', "id: must be 1 to 128 of"),
        ('{"id":"x","tenant":"a/b","type":"host","name":"A"}', "tenant: must be 1 to 128 of"),
        ('{"id":"x","type":"host"}', "name: is missing"),
        ('{"id":7,"type":"boat","name":"A"}', "type: must be one of address, "),
        ('{"id":"x","type":"host","name":"A","criticality":true}', "criticality: must be a whole number"),
        (f'{{"id":"x","type":"host","name":"{"n" * 1_001}"}}', "name: must be text of 0 to 1000"),
        ('{"id":"x","type":"host","name":"A","risks":[{"id":"r","cve":"c","cvss":11}]}', "risks[0].cvss: "),
        ('{"id":"x","type":"host","name":"A","technologies":[{"name":"a"},{"name":"a"}]}', "technologies[1]: "),
        ('{"id":"x","type":"host","name":"A","colour":"red"}', "colour: is not known"),
        (GOOD, "id: is that of line 1 already"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_used_is_named_with_the_reason(write, line, says):
    data = line if isinstance(line, bytes) else line.encode()
    (fault,) = faults_of(write(GOOD.encode() + b"\n\n" + data + b'\n{"id":"z","type":"host","name":""}'))
    assert fault.startswith("line 3: ")
    assert says in fault


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("id;type;name\na;host;A\n", 1, "there is no column id; there is no column type"),
        ("id,type,name,colour\na,host,A,red\n", 1, "column 'colour' is not known"),
        ("id,type,name,id\na,host,A,a\n", 1, "column id is there twice"),
        (f"{HEADER}a,host,A\nb,host\n", 3, "has 2 cells, and the header 3"),
        (f'{HEADER}a,host,"A\nb"\nc,boat,C\n', 4, "type: must be one of"),
        (f'{HEADER}a,host,"A\nb,host,B\n', 2, "is not CSV: unexpected end of data"),
        (f'{HEADER}a,host,"A"x\nb,host,B\n', 2, "is not CSV"),
        ("id,type,name,criticality\na,host,A,high\n", 2, "criticality: must be a whole number"),
        ("id,type,name,risks\na,host,A,many\n", 2, "risks: must be a list"),
        (b"id,type,name\na,host,\xc4rger\n", 2, "is not UTF-8 (byte 8 of the line)"),
        ("id,type,name\n".encode("utf-16"), 1, "is not UTF-8"),
    ],
)
def test_a_row_of_csv_that_cannot_be_used_is_named_by_its_first_line(write, text, line, says):
    (fault,) = faults_of(write(text, "x.csv"))
    assert fault.startswith(f"line {line}: ")
    assert says in fault


def test_all_lines_are_named_up_to_a_limit_and_counted_beyond_it(write):
    faults = faults_of(write(f"{GOOD}\n" + "{\n" * (FAULT_LIMIT + 1_234)))
    assert [fault.partition(":")[0] for fault in faults[:-1]] == [f"line {n + 2}" for n in range(FAULT_LIMIT)]
    assert faults[-1] == "and 1,234 more"


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_a_line_without_end_is_never_held_in_memory(write, monkeypatch, name):
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 1_000)
    head = HEADER if name == "x.csv" else f"{GOOD}\n"
    (fault,) = faults_of(write(head + "x" * 300_000 + "\n", name))
    assert fault == "line 2: is longer than 6 MiB"


def test_nothing_of_a_file_reaches_the_terminal_as_a_control_character(write):
    (fault,) = faults_of(write(json.dumps({"id": "x", "type": "host", "name": "", "\x1b[31m\n": 1})))
    assert fault == "line 1: \\x1b[31m\\x0a: is not known"


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_a_file_without_an_asset_is_refused(write, content, name):
    with pytest.raises(DataError, match="holds no asset"):
        Imported(write(content, name))


def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused_by_name(tmp_path, write):
    for path, says in (
        (tmp_path / "none.csv", "there is no file"),
        (tmp_path, "told by its name"),
        (write(GOOD, "inventory.xml"), r"Use \.jsonl, \.ndjson, \.csv"),
    ):
        with pytest.raises(DataError, match=says):
            Imported(path)


@given(st.binary(max_size=200), st.sampled_from(["x.jsonl", "x.csv"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_bytes_do_anything_but_load_or_be_refused(write, data, name):
    for content in (data, HEADER.encode() + data):
        path = write(content, name)
        try:
            loaded = list(Imported(path))
        except DataError:
            continue
        assert loaded


def test_checking_and_generating_hold_no_more_for_more_assets(tmp_path):
    def peak_of(count):
        inventory = Inventory("medium", 1)
        path = tmp_path / "many.jsonl"
        tracemalloc.start()
        with path.open("w") as file:
            for number in range(count):
                file.write(json.dumps(row_of(inventory.bundle(number))) + "\n")
        _, made = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        counts = count_parts(path)
        _, checked = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert counts["assets"] == count
        # What grows is the identities alone, among which duplicates are found.
        return made, checked - 350 * count

    # The asset with the most relationships is the second of all: it is in both.
    few, many = peak_of(100), peak_of(1_000)
    assert many[0] < 1.2 * few[0]
    assert many[1] < 1.2 * few[1]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_target_serves_the_inventory_of_a_file(write, operation):
    text = "".join(
        json.dumps({"id": f"host:{n}", "tenant": f"Acme_{n % 3}.", "type": "host", "name": "ü"}) + "\n"
        for n in range(9)
    )
    target = create(latency_ms="0", data=str(write(text)))
    target.open()
    rng = random.Random(2)
    statuses = {target.call(target.make_event(operation, rng))["statusCode"] for _ in range(20)}
    target.close()
    assert statuses == {200}


def run(*arguments, stdout=subprocess.PIPE):
    command = [sys.executable, "-m", "targets.asset_core.data", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def test_the_command_writes_inventories_that_it_finds_good_and_refuses_others(tmp_path, write):
    path = tmp_path / "small.jsonl"
    with path.open("w") as file:
        assert run("generate", "small", "--seed", "3", stdout=file).returncode == 0
    assert list(read_bundles(path)) == list(Inventory("small", 3))
    good, bad = run("check", str(path)), run("check", str(write("{")))
    assert (good.returncode, good.stderr) == (0, "")
    assert "4 tenants, 500 assets" in good.stdout
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "line 1: is not JSON" in bad.stderr

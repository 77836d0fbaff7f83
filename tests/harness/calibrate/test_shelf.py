"""Which file is the card of which machine."""

import pytest

from harness.calibrate.card import make_card, write_card
from harness.calibrate.shelf import card_file, refuse_another_machine
from harness.errors import InvalidRunError, UsageError
from tests.support.calibration import outcome

HERE = {"cpu": "Intel(R) Xeon(R) Processor", "cores": 2, "kernel": "Linux 6"}


def keep(path, **machine):
    write_card(path, make_card([outcome("same")], "now", HERE | machine, ["same"]))
    return path


def test_a_file_is_the_card_whatever_machine_it_speaks_for(tmp_path):
    path = keep(tmp_path / "mine.json", cpu="another")
    assert card_file(path, HERE) == path


def test_in_a_folder_it_is_the_file_that_speaks_for_the_machine_whatever_its_name(tmp_path):
    keep(tmp_path / "a.json", kernel="Linux 5")
    mine = keep(tmp_path / "b.json")
    keep(tmp_path / "c.json", cores=4)
    assert card_file(tmp_path, HERE) == mine


def test_a_new_card_is_called_after_the_cpu_and_takes_the_place_of_none(tmp_path):
    folder = tmp_path / "not there yet"
    assert card_file(folder, HERE) == folder / "intel-r-xeon-r-processor-2-cores.json"
    keep(tmp_path / "intel-r-xeon-r-processor-2-cores.json", kernel="Linux 5")
    assert card_file(tmp_path, HERE) == tmp_path / "intel-r-xeon-r-processor-2-cores-2.json"


def test_a_damaged_card_in_the_folder_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InvalidRunError, match="damaged") as caught:
        card_file(tmp_path, HERE)
    assert str(tmp_path / "a.json") in str(caught.value)


def test_only_the_card_of_another_machine_is_refused(tmp_path):
    refuse_another_machine(tmp_path / "none.json", HERE)
    refuse_another_machine(keep(tmp_path / "mine.json"), HERE)
    with pytest.raises(UsageError, match="another machine: AMD, 2 cores"):
        refuse_another_machine(keep(tmp_path / "other.json", cpu="AMD"), HERE)

"""Functions named from Callgrind's files and the map of the trampoline."""

from harness.instructions.functions import costs_per_call, self_costs

MAP = """56dc037 b py::work:/overlay/toy/__init__.py
56dc042 b py::Work.inner:/overlay/toy/__init__.py
56dc04d b py::timed_loop.<locals>.run:{engine}/harness/session/slots/slot_benchmark.py
56dc058 b py::Callgrind.kept:{engine}/harness/instructions/counter.py
"""
ONCE = """# callgrind format
positions: line
events: Ir
summary: 1300


ob=(1) /lib/libpython.so
fl=(2) ceval.c
fn=(10) _PyEval_EvalFrameDefault'0x00000000056dc037
655 300
+2 100
cfn=(11) list_sort
calls=2 0
* 500
-1 50
fn=(11)
12 400

fn=(12) _PyEval_EvalFrameDefault'2'0x00000000056dc042
655 {inner}
fn=(14) _PyEval_EvalFrameDefault'0x00000000056dc04d
655 {loop}
fn=(15) _PyEval_EvalFrameDefault'0x00000000056dc058
655 999

ob=(3) ???
fn=(13) 0x00000000056dc037
0 81

totals: 1300
"""


def test_self_costs_leave_out_calls_and_know_a_name_by_its_number():
    costs = self_costs(ONCE.format(inner=70, loop=1).splitlines())
    assert costs["_PyEval_EvalFrameDefault'0x00000000056dc037"] == 450
    assert costs["list_sort"] == 400


def test_a_call_is_the_difference_of_both_files_and_neither_the_harness_nor_the_trampoline_is_named(tmp_path):
    from harness.profiles.stacks.frames import ENGINE_ROOT

    once, twice, names = (tmp_path / name for name in ("once", "twice", "names"))
    once.write_text(ONCE.format(inner=70, loop=10))
    twice.write_text(
        ONCE.format(inner=170, loop=30)
        .replace("12 400", "12 900")
        .replace("0 81", "0 99")
        .replace("655 999", "655 5")
    )
    names.write_text(MAP.format(engine=ENGINE_ROOT))
    costs = costs_per_call(once, twice, names, 10, ["/overlay"])
    assert costs == {"Work.inner (toy/__init__.py)": 10.0, "list_sort (C)": 50.0, "(no function)": 2.0}


def test_files_cut_off_name_what_they_have():
    assert self_costs(["fn=(1) f", "12 5", "calls=3 4"]) == {"f": 5}
    assert self_costs([]) == {}

from pathlib import Path

import pytest

from harness.policy.build import read_build

PLACES = {"overlay": Path("/a b/o"), "tree": Path("/a b/t"), "python": "/p y/python"}


def test_paths_with_spaces_stay_in_one_word():
    build = read_build("{python} -m pip install --target {overlay} --config=x={tree} {tree}")
    assert build.argv(**PLACES) == [
        "/p y/python", "-m", "pip", "install", "--target", "/a b/o", "--config=x=/a b/t", "/a b/t",
    ]  # fmt: skip


def test_quotes_make_one_word_and_other_braces_are_left_alone():
    build = read_build("""sh -c 'X={}; cp -r src/. "{overlay}"; echo ${name} {"a": 1}'""")
    assert build.argv(**PLACES) == ["sh", "-c", 'X={}; cp -r src/. "/a b/o"; echo ${name} {"a": 1}']


def test_pip_alone_is_a_whole_command():
    argv = read_build(" pip ").argv(**PLACES)
    assert argv[:4] == ["/p y/python", "-m", "pip", "install"]
    assert {"--no-deps", "/a b/o", "/a b/t"} <= set(argv)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no command"),
        ("  ", "names no command"),
        (True, "names no command"),
        ("make 'x {overlay}", "its quotes do not match"),
        ("pip install {tree}", "it has no {overlay}"),
        ("make DEST=${overlay}", "it has no {overlay}"),
        ("make {out} {overlay}", "'{out}' is none of {overlay}, {tree} and {python}"),
    ],
)
def test_a_command_that_can_build_nothing_is_refused_with_the_reason(text, why):
    with pytest.raises(ValueError, match=why.replace("$", r"\$").replace("{", r"\{")):
        read_build(text)

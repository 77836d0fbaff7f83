"""Operations of a locustfile: a path is folded, a given name is kept, and their number is bounded."""

from harness.load.locust.names import MOST_NAMES, OTHERS, Names


def test_paths_are_folded_as_those_of_requests_and_given_names_are_kept():
    names = Names()
    numbers = [names.number("GET", f"/item/{item}?page={item}", True) for item in range(50)]
    numbers += [names.number("GET", "/item/7", False), names.number("POST", "/item/7", True)]
    assert numbers == [0] * 50 + [1, 2]
    assert names.names == ["GET /item/{id}", "GET /item/7", "POST /item/{id}"]
    assert names.folded == {"GET /item/{id}": 50}


def test_an_address_with_its_host_is_a_path_too():
    names = Names()
    names.number("GET", "http://127.0.0.1:80/a/1?b=2#c", True)
    assert names.names == ["GET http://127.0.0.1:80/a/{id}"]


def test_there_are_never_more_names_than_the_limit_and_the_rest_is_one_operation():
    names = Names()
    numbers = [names.number("GET", f"page{number}x", False) for number in range(MOST_NAMES + 20)]
    assert len(names.names) == MOST_NAMES + 1
    assert set(numbers[MOST_NAMES:]) == {names.names.index(OTHERS)}
    assert names.left == 20
    assert OTHERS not in names.folded


def test_endless_random_names_take_bounded_memory_and_keep_their_numbers():
    names = Names()
    first = names.number("GET", "/a/0", True)
    for item in range(50_000):
        assert names.number("GET", f"/a/{item}", True) == first
    assert len(names.numbers) <= 20_000
    assert names.names == ["GET /a/{id}"]


def test_entries_of_locust_are_found_under_the_operation_that_counts_them():
    names = Names(["GET /item/{id}", "GET login", OTHERS])
    assert names.counted_as("GET", "/item/5?x=1") == "GET /item/{id}"
    assert names.counted_as("GET", "login") == "GET login"
    assert names.counted_as("PUT", "unknown") == OTHERS


def test_a_secret_in_a_name_is_not_kept():
    names = Names()
    names.number("GET", "/x?token=hunter2hunter2", False)
    assert "hunter2" not in names.names[0]


def test_whatever_a_script_gives_as_a_name_is_a_text():
    names = Names()
    names.number(None, None, False)
    names.number(7, b"bytes", False)
    assert names.names == ["None", "7 b'bytes'"]

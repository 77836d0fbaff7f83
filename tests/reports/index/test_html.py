"""The search of an index, in a real browser."""

import pytest

from tests.support.report_pages import index


@pytest.mark.browser
def test_the_search_shows_what_has_all_words_and_says_how_many(open_page):
    tab = open_page(index(None))

    def shown(words):
        tab.fill("#search", words)
        return tab.locator("tr[data-search]:visible").count(), tab.inner_text("#shown")

    assert shown("") == (4, "4 of 4")
    assert shown("GATE regressed") == (1, "1 of 4")
    assert shown("gate") == (2, "2 of 4")
    assert shown("nothing of this") == (0, "0 of 4")


def test_without_a_script_the_whole_list_is_there_and_the_search_is_not():
    page = index(None)
    assert page.count("<tr data-search") == 4
    assert '<p class="search" hidden>' in page

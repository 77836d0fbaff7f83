"""Tabs of a real browser that tests use one after the other: a new one costs four times what a page in an old one does."""

import dataclasses
from typing import Any


@dataclasses.dataclass
class Opened:
    """A tab in use, with what was said and asked for in it."""

    tab: Any
    options: tuple
    complaints: list = dataclasses.field(default_factory=list)
    requests: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self._listeners = {
            "console": lambda message: self.complaints.append(message.text),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
        }
        for event, listener in self._listeners.items():
            self.tab.on(event, listener)

    def leave(self):
        """Listen no more: what comes is of the next user."""
        for event, listener in self._listeners.items():
            self.tab.remove_listener(event, listener)


class Tabs:
    """Idle tabs by the options of their contexts. A tab in use is nobody else's."""

    def __init__(self, browser):
        self._browser = browser
        self._idle = {}

    def take(self, width, options):
        """Return a tab on a blank page, as wide as asked for, with the media and the pointer of a new one."""
        key = tuple(sorted(options.items()))
        idle = self._idle.setdefault(key, [])
        tab = idle.pop() if idle else self._browser.new_context(**options).new_page()
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(media="null", color_scheme=options.get("color_scheme", "light"))
        return Opened(tab, key)

    def give_back(self, opened):
        """Leave the page and keep the tab for the next user."""
        # What the page has said and asked for until now is heard before this returns.
        opened.tab.mouse.move(0, 0)
        opened.leave()
        opened.tab.goto("about:blank")
        self._idle[opened.options].append(opened.tab)

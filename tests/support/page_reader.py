"""Reads a page as a parser does: its elements, and the text that is not script or style."""

from html.parser import HTMLParser


class Collector(HTMLParser):
    """Collects every element's name and attributes, and the visible text."""

    def __init__(self):
        super().__init__()
        self.elements, self.text, self._hidden = [], [], 0

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag):
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self._hidden:
            self.text.append(data)


def parsed(text):
    collector = Collector()
    collector.feed(text)
    return collector

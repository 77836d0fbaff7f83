"""The README and what it shows to be typed: its blocks, and the commands in them, word by word."""

import re
import shlex

from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")
_HEREDOC = re.compile(r"^cat > (\S+) <<'END'\n(.*?)^END$\n?", re.MULTILINE | re.DOTALL)


def blocks(*kinds):
    """Return the blocks of these kinds, in their order: `sh` is run by a test, `console` is only shown."""
    return re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def heredocs(block):
    """Return the files that a block writes down, by name."""
    return dict(_HEREDOC.findall(block))


def commands(block):
    """Return the words of every command of a block; what it writes into files by hand is left out."""
    lines = _HEREDOC.sub("", block).splitlines()
    parts = (part for line in lines for part in re.split(r"\|\||&&", line))
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def of_the_harness(commands):
    """Return the arguments of those that are ours; those of `harness locust` are Locust's."""
    return [words[1:] for words in commands if words[0] == "harness" and words[1] != "locust"]

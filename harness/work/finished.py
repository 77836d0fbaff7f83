"""Write the results beside the calls of a finished run: their histograms, and the wait profile."""

from harness.profiling.waiting import profile_waits, why_none
from harness.reading.summary import RunSummary
from harness.run.distributions import Distributions
from harness.run.documents import RunDocument


def write_histograms(run: RunSummary) -> None:
    """Write the histograms of the run, which can be merged with those of other runs."""
    Distributions.of(run.table, run.document.plan.spans).write(run.directory.histograms_path)


def add_wait_profile(run: RunSummary, document: RunDocument, *, split: bool = True) -> None:
    """Write the wait profile of the run, and its facts into `document`; `split` tells whether it was requested."""
    returned = {name: operation.count for name, operation in run.operations.items()}
    document.profiles.wait = profile_waits(run.directory, returned, none=why_none(run.facts, split=split))

"""Samples of this process, taken from within it."""

import os
import threading

import pytest

from harness.load.sampling import PERIOD_S, Sampler
from harness.run.samples import read


def samples_of(folder, between=lambda: None, alive=None):
    """Return two samples, with `between` called in their midst."""
    with Sampler(folder, alive or {}) as sampler:
        sampler.take()
        between()
        sampler.take()
    return read(folder / "samples.jsonl")


def test_what_this_process_keeps_is_in_its_next_sample(tmp_path):
    kept, over = [], threading.Event()

    def keep():
        kept.extend(os.dup(0) for _ in range(5))
        kept.append([bytes(100) for _ in range(50_000)])
        kept.append(bytearray(b"x" * 30_000_000))
        threading.Thread(target=over.wait, daemon=True).start()

    before, after = samples_of(tmp_path, keep, {"tasks": lambda: len(kept)})
    over.set()
    for descriptor in kept[:5]:
        os.close(descriptor)
    assert after.fds - before.fds == 5
    assert after.threads - before.threads == 1
    assert after.tasks - before.tasks == 7
    assert after.blocks - before.blocks >= 45_000
    assert after.own_bytes - before.own_bytes >= 30_000_000
    assert after.own_bytes <= after.rss_bytes
    assert after.at_ns > before.at_ns
    assert after.took_ns > 0
    assert after.greenlets is None


def test_pages_of_a_mapped_file_are_in_no_own_memory(tmp_path):
    """The table of calls is one: the harness's own growth."""
    import mmap

    size = 40_000_000
    (tmp_path / "file").write_bytes(bytes(size))
    with (tmp_path / "file").open("r+b") as file, mmap.mmap(file.fileno(), size) as mapped:
        before, after = samples_of(tmp_path, lambda: [mapped[page] for page in range(0, size, 4096)])
    assert after.rss_bytes - before.rss_bytes >= 0.9 * size
    assert after.own_bytes - before.own_bytes < 0.1 * size


def test_a_forked_child_takes_no_samples(tmp_path):
    with Sampler(tmp_path, {}) as sampler:
        if (child := os.fork()) == 0:
            sampler.take()
            os._exit(0)
        os.waitpid(child, 0)
    assert read(tmp_path / "samples.jsonl") == []


def test_a_sample_that_takes_long_comes_seldom(tmp_path, monkeypatch):
    now_ns = iter(range(0, 10**12, 10_000_000))
    monkeypatch.setattr("harness.load.sampling.time.thread_time_ns", lambda: next(now_ns))
    with Sampler(tmp_path, {}) as sampler:
        assert sampler.take() == pytest.approx(2 * 0.01 * 4000)


def test_where_nothing_can_be_written_nothing_is_sampled(tmp_path):
    with Sampler(tmp_path / "missing", {}) as sampler:
        assert sampler.take() == PERIOD_S
        assert sampler.unsent == b""
    assert sampler.take() == PERIOD_S

"""Folders of runs: those of killed processes are swept, those of living ones and young ones stay."""

import os

from brainsim import scratch


def test_folders_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path):
    old = 0
    for name in ("dead", "young"):
        (tmp_path / f"{scratch.PREFIX}{name}").mkdir()
        (tmp_path / f"{scratch.PREFIX}{name}" / scratch.LOCK).touch()
    os.utime(tmp_path / f"{scratch.PREFIX}dead" / scratch.LOCK, (old, old))
    with scratch.scratch(str(tmp_path)) as living:
        os.utime(living / scratch.LOCK, (old, old))
        scratch._sweep.cache_clear()
        with scratch.scratch(str(tmp_path)) as other:
            assert living.is_dir()
            assert other.is_dir()
        assert not (tmp_path / f"{scratch.PREFIX}dead").exists()
        assert (tmp_path / f"{scratch.PREFIX}young").exists()
        assert not other.exists()

"""Accounting from /proc: what our processes use, and what the rest of the machine uses meanwhile."""

import os
import pathlib
import time

from . import settings

PROC = pathlib.Path("/proc")


def stat_fields(pid):
    """Fields of /proc/PID/stat after the command name, or None when the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = stat_fields(entry.name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def tree_ticks(pid):
    """CPU ticks of a process tree; what its dead children used is counted at their parent."""
    total = 0
    for one in tree(pid):
        fields = stat_fields(one)
        if fields:
            total += sum(int(field) for field in fields[11:15])
    return total


def tree_rss_mib(pid):
    """Resident memory of a process tree in MiB."""
    total_kib = 0
    for one in tree(pid):
        try:
            for line in (PROC / str(one) / "status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    total_kib += int(line.split()[1])
        except OSError:
            continue
    return total_kib / 1024


class CpuTime:
    """The CPU seconds that a process tree uses while the block runs."""

    def __init__(self, pid):
        self.pid = pid
        self.seconds = 0.0

    def __enter__(self):
        self.start_ = tree_ticks(self.pid)
        return self

    def __exit__(self, *_):
        self.seconds = (tree_ticks(self.pid) - self.start_) / os.sysconf("SC_CLK_TCK")


class Share:
    """Measures over a stretch of time how much of the machine other processes took, in percent.

    `pids` are the roots of the trees that belong to the benchmark; this process and the children
    that it has waited for always do.
    """

    def __init__(self, pids):
        self.pids = pids
        self.start_ = self.read_()

    def read_(self):
        cpu = [int(n) for n in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
        idle = cpu[3] + cpu[4]
        ours = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
        ours += sum(tree_ticks(pid) for pid in self.pids)
        return sum(cpu), sum(cpu) - idle, ours

    def foreign_percent(self):
        total, busy, ours = (b - a for a, b in zip(self.start_, self.read_()))
        return max(0.0, 100.0 * (busy - ours) / total) if total > 0 else 0.0


def wait_until_quiet(pids):
    """Waits, bounded, until others leave the machine to us for a second; returns their share."""
    percent = 100.0
    deadline = time.monotonic() + settings.QUIET_WAIT_SECS
    while time.monotonic() < deadline:
        share = Share(pids)
        time.sleep(1)
        percent = share.foreign_percent()
        if percent < settings.QUIET_PERCENT:
            break
    return percent


def raise_file_limit(wanted):
    """Raises the limit of open files as far as the system allows; returns what it is now."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            wanted = hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return max(soft, wanted)

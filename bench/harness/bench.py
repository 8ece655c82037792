"""One benchmark run: the cluster, what is loaded into it, and measurements taken in turn."""

import contextlib
import functools
import os

from . import load, machine, settings, servers


class Bench:
    """Handed to every figure."""

    def __init__(self, cluster, report):
        self.cluster = cluster
        self.report = report
        self.scratch = cluster.root
        self.servers_ = []

    @contextlib.contextmanager
    def serving(self, server):
        """Runs a server whose CPU time counts as ours."""
        with server as started:
            self.servers_.append(started.pid)
            try:
                yield started
            finally:
                self.servers_.remove(started.pid)

    def measure(self, side, repetition, action):
        """Takes one measurement, again when other processes disturbed it."""
        for attempt in range(1, settings.TRIES + 1):
            roots = [self.cluster.pid, *self.servers_]
            machine.wait_until_quiet(roots)
            share = machine.Share(roots)
            metrics = action()
            if metrics["per_second"] == 0:
                raise SystemExit(f"{side}: no answer was a success, see {self.report.folder}")
            foreign = share.foreign_percent()
            if foreign < settings.QUIET_PERCENT or attempt == settings.TRIES:
                break
            print(f"  {side} #{repetition}: others took {foreign:.0f} %, again", flush=True)
        self.report.foreign_percent = max(self.report.foreign_percent, foreign)
        self.report.sample(side, repetition, {**metrics, "foreign_percent": foreign})

    def in_turn(self, sides, repetitions=None):
        """Measures every side once, then every side again, so that drift hits all alike.

        `sides` maps a name to a function that returns metrics. Their order turns around with each
        repetition, so that none is always the one that comes after a particular other.
        """
        for repetition in range(1, (repetitions or settings.REPS) + 1):
            order = list(sides.items())
            if repetition % 2 == 0:
                order.reverse()
            for side, action in order:
                self.measure(side, repetition, action)

    def wrk(self, server, path, lua, connections=64, secs=None, warm_up=True, **variables):
        """A wrk run against a server after an unmeasured one of two seconds."""
        environment = dict(os.environ, **{name: str(value) for name, value in variables.items()})
        run = functools.partial(
            load.wrk, server.url + path, lua, environment, connections=connections
        )
        if warm_up:
            run(secs=2)
        return run(secs=secs, pid=server.pid)

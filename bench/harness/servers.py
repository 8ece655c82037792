"""Starts and stops the HTTP servers that are compared."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from . import cluster, latchkey, settings


class Server:
    """A running server: its process id and its address."""

    def __init__(self, process, port):
        self.process = process
        self.pid = process.pid
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


def answers(url):
    """True when any HTTP answer comes."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
        return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def stop(process):
    """Ends a server that we started: politely, and after ten seconds by force."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(command, environment, log, cwd=None, path="/", port=None):
    """Runs a server that listens on $PORT until the block ends."""
    port = port or cluster.free_port()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(environment or os.environ, PORT=str(port)), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output,
        )
    server = Server(process, port)
    try:
        deadline = time.monotonic() + 20
        while not answers(server.url + path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start, see {log}:\n{tail(log)}")
            time.sleep(0.05)
        yield server
    finally:
        stop(process)


def tail(log):
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def installed_peer(name):
    """The folder of a peer of bench/peers, its packages installed as its lock file says."""
    folder = settings.BENCH / "peers" / name
    if not (folder / "node_modules").is_dir():
        print(f"  npm ci in bench/peers/{name}", flush=True)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"npm ci failed in bench/peers/{name}:\n{done.stderr}")
    return folder


def run_node(peer, environment, *arguments):
    """Runs a script of a peer to its end, such as its seeding, and returns what it prints. A peer that needs
    another version of Node.js than the machine's brings it as a package."""
    folder = installed_peer(peer)
    done = subprocess.run(
        ["node", *map(str, arguments)], cwd=folder,
        env=dict(environment, NODE_ENV="production", PATH=f"{folder}/node_modules/.bin:{os.environ['PATH']}"),
        capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"node {arguments[0]} of {peer} failed:\n{done.stderr}")
    return done.stdout


def node(bench, peer, processes=1, port=None):
    """A peer's server.js, connected to the cluster as its superuser."""
    environment = dict(
        bench.cluster.environment(), NODE_ENV="production", PROCESSES=str(processes)
    )
    return running(
        ["node", "server.js"], environment, bench.report.folder / f"{peer}.log",
        cwd=installed_peer(peer), port=port,
    )


def gateway(bench, **variables):
    """Our gateway with its default configuration, apart from address and database."""
    port = cluster.free_port()
    environment = {**os.environ, **latchkey.gateway_environment(bench.cluster), **variables}
    environment["LATCHKEY_PORT"] = str(port)
    return running(
        [str(settings.GATEWAY), "serve"], environment, bench.report.folder / "gateway.log",
        path="/readyz", port=port,
    )

"""nginx with the configuration of deploy/nginx.conf, moved to free ports and private folders."""

import re

from . import cluster, servers, settings

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def adapted(text, port, gateway_port, folder):
    """The shipped configuration: only addresses and folders differ, and each must be found."""
    paths = "".join(f"\n    {kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
    for pattern, replacement in (
        (r"\blisten 8000\b", f"listen 127.0.0.1:{port}"),
        (r"\bserver 127\.0\.0\.1:8080\b", f"server 127.0.0.1:{gateway_port}"),
        (r"^http \{", "http {" + paths),
    ):
        text, found = re.subn(pattern, replacement, text, flags=re.M)
        if found != 1:
            raise SystemExit(f"{settings.NGINX_CONF.name}: {found} times {pattern}, expected one")
    return text


def in_front_of(bench, gateway):
    """Runs nginx before a running gateway, as a server like the others."""
    port = cluster.free_port()
    folder = bench.scratch / "nginx"
    folder.mkdir(mode=0o755, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(adapted(settings.NGINX_CONF.read_text(), port, gateway.port, folder))
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-g", "daemon off;"]
    return servers.running(command, None, bench.report.folder / "nginx.log", path="/healthz",
                           port=port)

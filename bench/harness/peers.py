"""Loads the data of the peers, each in a schema of its own."""

from . import servers, settings


def seed_node_backend(bench, sessions):
    """Users with one session each for the Node.js backend; returns the file of their tokens."""
    tokens = bench.scratch / "node-backend.tokens"
    if not tokens.exists():
        bench.cluster.script("node_backend.sql")
        servers.run_node("node-backend", bench.cluster.environment(), "seed.js", tokens, sessions,
                         settings.PASSWORD)
        bench.cluster.sql("VACUUM ANALYZE node_backend.users, node_backend.user_sessions")
    return tokens


def seed_better_auth(bench, users):
    """The same for better-auth, through its own sign-up."""
    tokens = bench.scratch / "better-auth.tokens"
    if not tokens.exists():
        servers.run_node("better-auth", bench.cluster.environment(), "migrate.js")
        with bench.serving(servers.node(bench, "better-auth")) as server:
            environment = dict(bench.cluster.environment(), PORT=str(server.port))
            servers.run_node("better-auth", environment, "seed.js", tokens, users,
                             settings.PASSWORD)
        bench.cluster.sql("VACUUM ANALYZE")
    return tokens

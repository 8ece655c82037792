"""Kills backends in a storm of logins, refreshes, password changes and role grants, and looks at what is left each time.

kill_backends.py URL KILLS SEED CONSISTENCY_SQL   prints what is wrong, and at the end a line of totals
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time

from storm import Psql

USERS = 16
WORKERS = 8
ROLES = ("support", "auditor")
EVENT_OF = {True: "role.granted", False: "role.revoked"}

HALF_DONE = """
SELECT 'session without its event', s.id FROM latchkey.sessions s
 WHERE NOT EXISTS (SELECT FROM latchkey.events e WHERE e.account_id = s.user_id AND e.type = 'session.started' AND e.aggregate_id = s.id::text)
UNION ALL
SELECT 'grant without its event', g.user_id FROM latchkey.role_grants g
 WHERE NOT EXISTS (SELECT FROM latchkey.events e WHERE e.account_id = g.user_id AND e.type = 'role.granted' AND e.data ->> 'role' = g.role)
UNION ALL
SELECT 'living session from before the password', s.id FROM latchkey.sessions s
  JOIN latchkey.events began ON began.account_id = s.user_id AND began.type = 'session.started' AND began.aggregate_id = s.id::text
 WHERE s.revoked_at IS NULL AND began.recorded_at < (SELECT max(e.recorded_at) FROM latchkey.events e
                                                      WHERE e.account_id = s.user_id AND e.type = 'user.password_set')
UNION ALL
SELECT 'lock or slot still held', NULL FROM pg_locks WHERE locktype = 'advisory'
"""


class User:
    """What one user must look like: a set holds all that is possible while an answer has not come."""

    def __init__(self, number):
        self.email = f"user{number}@example.com"
        self.id = None
        self.changes = 0
        self.passwords = {"password 0"}
        self.roles = {role: {False} for role in ROLES}
        self.events = {(role, held): [0, 0] for role in ROLES for held in (True, False)}  # acknowledged, unknown
        self.sessions = []  # [token, states]
        self.taken = threading.Lock()

    def password(self):
        return next(iter(self.passwords))

    def living(self):
        return [session for session in self.sessions if session[1] == {"live"}]


class Worker(threading.Thread):
    """One client, on users that nobody else works on meanwhile, until its connection is lost."""

    def __init__(self, storm):
        super().__init__()
        self.storm = storm
        self.psql = Psql(storm.url)
        self.answers = 0

    def run(self):
        lost = False
        while not lost:
            user = random.choice(self.storm.users)
            if not user.taken.acquire(blocking=False):
                continue
            try:
                lost = self.step(user)
            finally:
                user.taken.release()

    def step(self, user):
        choice = random.random()
        if choice < 0.35:
            answer = self.change_role(user)
        elif choice < 0.5:
            answer = self.change_password(user)
        elif choice < 0.75 or not user.living():
            answer = self.log_in(user)
        else:
            answer = self.refresh(user)
        self.answers += answer is not None
        return answer is None

    def expect(self, good, call, answer):
        if answer is not None and not good and "LK503" not in answer:
            self.storm.wrong(f"{call} answers {answer}")

    def change_role(self, user):
        role = random.choice(ROLES)
        held = random.choice((True, False))
        before = user.roles[role]
        # Not of who does not have it: that would be an error.
        if not held and before != {True}:
            held = True
        call = f"latchkey.{'grant' if held else 'revoke'}_role('{user.id}', '{role}')"
        user.roles[role] = before | {held}
        answer = self.psql.ask(f"SELECT 'done' FROM {call}")
        acknowledged = answer == "done"
        if acknowledged:
            user.roles[role] = {held}
        elif answer is not None:
            user.roles[role] = before
        user.events[role, held][0 if acknowledged else 1] += acknowledged or answer is None
        self.expect(acknowledged, call, answer)
        return answer

    def change_password(self, user):
        user.changes += 1
        before, new = user.passwords, f"password {user.changes}"
        states = [session[1] for session in user.sessions]
        user.passwords = before | {new}
        for session in user.sessions:
            session[1] = session[1] | {"ended"}
        answer = self.psql.ask(f"SELECT 'done' FROM latchkey.set_password('{user.id}', '{new}')")
        if answer == "done":
            user.passwords = {new}
            user.sessions = [[token, {"ended"}] for token, _ in user.sessions[-4:]]
        elif answer is not None:
            user.passwords = before
            for session, state in zip(user.sessions, states):
                session[1] = state
        self.expect(answer == "done", "set_password", answer)
        return answer

    def log_in(self, user):
        answer = self.psql.ask(f"SELECT token FROM latchkey.login('{user.email}', '{user.password()}')")
        if answer and answer.startswith("ey"):
            user.sessions.append([answer, {"live"}])
        self.expect(answer and answer.startswith("ey"), "login", answer)
        return answer

    def refresh(self, user):
        session = random.choice(user.living())
        answer = self.psql.ask(f"SELECT token FROM latchkey.refresh('{session[0]}')")
        if answer is None:
            # The direct predecessor of a token is good for a while, not for the rest of the storm.
            user.sessions.remove(session)
        elif answer.startswith("ey"):
            session[0] = answer
        self.expect(answer and answer.startswith("ey"), "refresh", answer)
        return answer


class Storm:
    def __init__(self, url, consistency):
        self.url = url
        self.consistency = consistency
        self.users = [User(number) for number in range(USERS)]
        self.failures = []
        self.answers = 0

    def wrong(self, what):
        self.failures.append(what)
        print(what, flush=True)

    def prepare(self):
        psql = Psql(self.url)
        psql.ask("SELECT latchkey.create_role('auditor', '{events.read}')")
        for user in self.users:
            user.id = psql.ask(f"SELECT id FROM latchkey.register_user('{user.email}', 'password 0')")
        psql.process.kill()

    def kill_one(self):
        """A backend of the storm: one that is in the middle of something, if there is one."""
        psql = Psql(self.url)
        pid = psql.ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                       "AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, random() LIMIT 1")
        os.kill(int(pid), signal.SIGKILL)
        psql.process.kill()

    def await_server(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            psql = Psql(self.url)
            if psql.ask("SELECT 'here'") == "here":
                return psql
            time.sleep(0.05)
        raise SystemExit("the server does not come back")

    def round(self):
        workers = [Worker(self) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        time.sleep(random.uniform(0.2, 0.8))
        self.kill_one()
        for worker in workers:
            worker.join()
        self.answers += sum(worker.answers for worker in workers)
        psql = self.await_server()
        for user in self.users:
            self.check(psql, user)
        psql.process.kill()
        found = subprocess.run(["psql", "-X", "-q", "-At", "-c", HALF_DONE, "-f", self.consistency, self.url],
                               capture_output=True, text=True, check=False)
        if found.stdout.strip() or found.returncode != 0 or found.stderr:
            self.wrong(f"half done: {found.stdout}{found.stderr}")

    def check(self, psql, user):
        """Compares the user with what was acknowledged; what is found settles what was not known."""
        held = (psql.ask(f"SELECT role FROM latchkey.role_grants WHERE user_id = '{user.id}'") or "").split("\n")
        for role, possible in user.roles.items():
            if (role in held) not in possible:
                self.wrong(f"{user.email}: {role} is {'there' if role in held else 'lost'} against the acknowledgement")
            user.roles[role] = {role in held}
        for (role, held_after), (least, unknown) in user.events.items():
            count = int(psql.ask(f"SELECT count(*) FROM latchkey.events WHERE account_id = '{user.id}' "
                                 f"AND type = '{EVENT_OF[held_after]}' AND data ->> 'role' = '{role}'"))
            if not least <= count <= least + unknown:
                self.wrong(f"{user.email}: {count} events {EVENT_OF[held_after]} of {role}, acknowledged {least}")
            user.events[role, held_after] = [count, 0]
        self.check_password(psql, user)
        self.check_sessions(psql, user)

    def check_password(self, psql, user):
        good = {password for password in user.passwords
                if psql.ask(f"SELECT latchkey.verify_password('{password}', password_hash) FROM latchkey.users "
                            f"WHERE id = '{user.id}'") == "t"}
        if len(good) != 1:
            self.wrong(f"{user.email}: of the passwords {user.passwords} these are right: {good}")
            return
        user.passwords = good

    def check_sessions(self, psql, user):
        for session in user.sessions:
            token, possible = session
            answer = psql.ask(f"SELECT email FROM latchkey.verify('{token}')") or ""
            state = "live" if answer == user.email else "ended"
            if state not in possible:
                self.wrong(f"{user.email}: a session is {state}, acknowledged {possible}: {answer}")
            session[1] = {state}
        user.sessions = user.sessions[-6:]


def main(url, kills, seed, consistency):
    random.seed(seed)
    storm = Storm(url, consistency)
    storm.prepare()
    for _ in range(int(kills)):
        storm.round()
    print(f"{kills} kills, {storm.answers} answers, {len(storm.failures)} failures")
    return 1 if storm.failures or storm.answers < 10 * int(kills) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A storm of sign-ups, logins, refreshes and logouts that remembers what the server has acknowledged.

storm.py run URL SECONDS STATE WORKERS   goes on until SECONDS are over or the server is gone; adds to the file STATE
storm.py check URL STATE                 compares the server with what was acknowledged; prints what is wrong
"""

import json
import os
import random
import subprocess
import sys
import threading
import time

PASSWORD = "a password"
MARK = "-- answered --"


class Psql:
    """A psql that stays open; ask() answers None when the connection was lost before the answer."""

    def __init__(self, url):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-At", "-v", "VERBOSITY=terse", url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, sql):
        try:
            # The mark comes from the server, in the same order as the answers: psql would print its own in any case.
            self.process.stdin.write(f"{sql};\nSELECT '{MARK}';\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return None
        lines = []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == MARK:
                return "\n".join(lines)
            if "server closed the connection" in line or "connection to server was lost" in line or "FATAL:" in line:
                break
            # The news of a crash may come between an answer and its mark.
            if not line.startswith("WARNING:"):
                lines.append(line)
        self.process.kill()
        return None


class Worker(threading.Thread):
    """One client. `sessions` holds [token, state]: live, ended, or unknown when the last answer did not come."""

    def __init__(self, url, number, seconds):
        super().__init__()
        self.psql = Psql(url)
        self.until = time.monotonic() + seconds
        self.name = f"{os.getpid()}-{number}"
        self.users, self.unknown_users, self.sessions = [], [], []
        self.answers, self.lost = 0, False
        self.unexpected = []

    def run(self):
        count = 0
        while time.monotonic() < self.until and not self.lost:
            count += 1
            live = [s for s in self.sessions if s[1] == "live"]
            choice = random.random()
            if not self.users or choice < 0.15:
                self.sign_up(f"user-{self.name}-{count}@example.com")
            elif not live or choice < 0.4:
                self.open_with(f"latchkey.login('{random.choice(self.users)}', '{PASSWORD}')")
            elif choice < 0.75:
                self.refresh(random.choice(live))
            else:
                self.log_out(random.choice(live))
        self.psql.process.kill()

    def answer(self, sql):
        answer = self.psql.ask(sql)
        self.lost = answer is None
        self.answers += not self.lost
        return answer

    def open_with(self, call):
        answer = self.answer(f"SELECT token FROM {call}")
        if answer is not None:
            if answer.startswith("ey"):
                self.sessions.append([answer, "live"])
            elif "LK503" not in answer and "too many passwords" not in answer:
                self.unexpected.append(answer)
        return answer

    def sign_up(self, email):
        answer = self.open_with(f"latchkey.sign_up('{email}', '{PASSWORD}')")
        if answer is None:
            self.unknown_users.append(email)
        elif answer.startswith("ey"):
            self.users.append(email)

    def refresh(self, session):
        answer = self.answer(f"SELECT token FROM latchkey.refresh('{session[0]}')")
        if answer is None:
            session[1] = "unknown"
        elif answer.startswith("ey"):
            session[0] = answer
        else:
            self.unexpected.append(answer)

    def log_out(self, session):
        answer = self.answer(f"SELECT latchkey.logout('{session[0]}')")
        session[1] = {None: "unknown", "t": "ended"}.get(answer, "live")
        if answer not in (None, "t"):
            self.unexpected.append(answer)


def load(path):
    if not os.path.exists(path):
        return {"users": [], "unknown_users": [], "sessions": [], "answers": 0, "unexpected": []}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def run(url, seconds, path, workers):
    threads = [Worker(url, number, float(seconds)) for number in range(int(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = load(path)
    for thread in threads:
        for key in ("users", "unknown_users", "sessions", "answers", "unexpected"):
            state[key] += getattr(thread, key)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)


def check(url, path):
    state, psql, wrong = load(path), Psql(url), list(load(path)["unexpected"])
    for email in state["users"]:
        found = psql.ask(f"SELECT count(*) FROM latchkey.user_emails WHERE email_key = '{email}'")
        if found != "1":
            wrong.append(f"acknowledged user {email} is there {found} times")
    for token, status in state["sessions"]:
        answer = psql.ask(f"SELECT email FROM latchkey.verify('{token}')") or ""
        if status == "live" and not answer.startswith("user-"):
            wrong.append(f"an acknowledged session does not verify: {answer}")
        if status == "ended" and "the token is not valid" not in answer:
            wrong.append(f"a session that was ended verifies: {answer}")
    live = sum(status == "live" for _, status in state["sessions"])
    ended = sum(status == "ended" for _, status in state["sessions"])
    print(f"{state['answers']} {len(state['users'])} {live} {ended}")
    print("\n".join(wrong[:10]))


if __name__ == "__main__":
    {"run": run, "check": check}[sys.argv[1]](*sys.argv[2:])

"""A mail program for tests: it puts every mail into a file, which can be asked for."""
import json
import os
import time

PROGRAM = """#!/bin/sh
cat >> "$MAIL_BOX"
"""


class MailBox:
    """Lives in a Folder of the harness."""

    def __init__(self, folder):
        self.program = folder.path("mail")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        os.chmod(self.program, 0o755)
        self.environment = {"MAIL_BOX": folder.path("box")}

    def all_to(self, email):
        try:
            with open(self.environment["MAIL_BOX"], encoding="utf-8") as file:
                mails = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [mail for mail in mails if mail["to"] == email]

    def last_to(self, email, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if mails := self.all_to(email):
                return mails[-1]
            time.sleep(0.05)
        raise AssertionError("no mail came")

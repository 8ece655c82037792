#!/usr/bin/env python3
"""A mail program for latchkey-gateway --mail-command: sends one mail through the SMTP server on this machine.

Reads one JSON line from standard input. MAIL_FROM and SMTP_HOST come from the environment.
"""
import email.message
import json
import os
import smtplib
import sys

SUBJECTS = {"password_reset": "Set a new password", "email_verification": "Confirm your address"}


def main():
    mail = json.loads(sys.stdin.readline())
    message = email.message.EmailMessage()
    message["From"] = os.environ.get("MAIL_FROM", "no-reply@localhost")
    message["To"] = mail["to"]
    message["Subject"] = SUBJECTS[mail["kind"]]
    greeting = f"Hello {mail['name']}," if mail["name"] else "Hello,"
    message.set_content(f"{greeting}\n\n{SUBJECTS[mail['kind']]}:\n\n{mail['link']}\n\n"
                        f"The link works once, until {mail['expires_at']}.\n")
    with smtplib.SMTP(os.environ.get("SMTP_HOST", "localhost"), timeout=20) as server:
        server.send_message(message)


if __name__ == "__main__":
    main()

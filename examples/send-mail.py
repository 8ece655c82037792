#!/usr/bin/env python3
"""A mail program for latchkey-gateway --mail-command: sends one mail through the SMTP server on this machine.

Reads one JSON line from standard input. MAIL_FROM and SMTP_HOST come from the environment.
"""
import email.message
import json
import os
import smtplib
import sys

SUBJECTS = {
    "password_reset": "Set a new password",
    "email_verification": "Confirm your address",
    "invitation": "Choose a password, and begin",
    "tenant_invitation": "Join {tenant}",
    "role_granted": "You have been given a role",
}


def main():
    mail = json.loads(sys.stdin.readline())
    message = email.message.EmailMessage()
    message["From"] = os.environ.get("MAIL_FROM", "no-reply@localhost")
    message["To"] = mail["to"]
    subject = SUBJECTS[mail["kind"]].format(**mail)
    message["Subject"] = subject
    greeting = f"Hello {mail['name']}," if mail.get("name") else "Hello,"
    text = f"{greeting}\n\n{subject}"
    if mail["link"]:
        text += f":\n\n{mail['link']}\n\nThe link works once, until {mail['expires_at']}"
    message.set_content(text + ".\n")
    with smtplib.SMTP(os.environ.get("SMTP_HOST", "localhost"), timeout=20) as server:
        server.send_message(message)


if __name__ == "__main__":
    main()

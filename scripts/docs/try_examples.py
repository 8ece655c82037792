#!/usr/bin/env python3
"""Runs the examples of markdown files: try_examples.py --database URL --gateway URL FILE…

Fenced blocks are run in their order. Their first word is the language, the second says how:
  sql             in psql, as the role `app`; an error is expected where a comment on the same line says ERROR
  sql admin       as the superuser
  sh              in one bash for all blocks of the file; http://127.0.0.1:8080 stands for the gateway
  … skip          not run
Prints a line `ok NAME` or `FAIL NAME` for each block.
"""
import argparse
import pathlib
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DEFAULT_GATEWAY = "http://127.0.0.1:8080"


def expected_errors(text):
    return len(re.findall(r";\s+-- ERROR", text))


def run_sql(database, user, text):
    command = ["psql", "-X", "-q", "-v", "VERBOSITY=verbose", f"{database} user={user}"]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    errors = re.findall(r"ERROR: .*", result.stderr)
    named = re.findall(r"SQLSTATE (\w+)", text)
    good = len(errors) == expected_errors(text) and all(any(f" {code}:" in line for line in errors) for code in named)
    return good and "invalid command" not in result.stderr, result.stdout + result.stderr


def run_shell(gateway, text):
    script = "set -u\n" + text.replace(DEFAULT_GATEWAY, gateway)
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    # A curl that reaches nothing prints an empty line; an unexpected refusal says so.
    expected = len(re.findall(r"# (4\d\d|5\d\d) ", text))
    good = result.returncode == 0 and result.stdout.count('"success":false') == expected
    return good, result.stdout + result.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True, help="connection string without a user")
    parser.add_argument("--gateway", required=True)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    failed = False
    for file in arguments.files:
        shell = ""
        for number, (language, how, text) in enumerate(FENCE.findall(file.read_text()), 1):
            if language == "sh" and how != "skip":
                shell += text
            if language != "sql" or how == "skip":
                continue
            good, output = run_sql(arguments.database, "postgres" if how == "admin" else "app", text)
            failed = failed or not good
            print(f"{'ok' if good else 'FAIL'} {file.name} block {number}")
            if not good:
                print(output)
        if shell:
            good, output = run_shell(arguments.gateway, shell)
            failed = failed or not good
            print(f"{'ok' if good else 'FAIL'} {file.name} shell")
            if not good:
                print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Malformed HTTP requests in great number: no crash, no 5xx, no desync, and memory stays flat. SOAK_REQUESTS sets how
# many (100,000), SOAK_SEED repeats a run.
exec "$(dirname "$0")/with-server" malformed.py

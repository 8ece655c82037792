#!/usr/bin/env bash
# Clients that send a byte a second (SOAK_CLIENTS, 1,000) for SOAK_SECONDS (600): /healthz must answer within a second
# for 99 of 100 others meanwhile.
exec "$(dirname "$0")/with-server" dripping.py

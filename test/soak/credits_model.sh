#!/usr/bin/env bash
# Random operations on credits against a model: every answer, and the ledger after each round. SOAK_OPERATIONS sets how many
# (1,000,000), SOAK_SEED repeats a run.
exec "$(dirname "$0")/with-server" credits_model.py

-- What an application writes itself: the account's row is locked, the key is looked up by a unique
-- index, and the ledger's row and the new balance are written, in one plpgsql function.
CREATE SCHEMA plain_credits;

CREATE TABLE plain_credits.accounts (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE TABLE plain_credits.ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES plain_credits.accounts,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    idempotency_key uuid NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON plain_credits.ledger (account_id, id);

INSERT INTO plain_credits.accounts (id, balance)
SELECT n, 1000000000000 FROM generate_series(1, :accounts) AS n;

CREATE FUNCTION plain_credits.debit(account bigint, amount bigint, key uuid) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    first_answer bigint;
BEGIN
    IF amount <= 0 THEN
        RAISE EXCEPTION 'the amount must be positive';
    END IF;
    SELECT balance INTO before FROM plain_credits.accounts WHERE id = account FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such account';
    END IF;
    INSERT INTO plain_credits.ledger (account_id, amount, balance_after, idempotency_key)
    VALUES (account, -debit.amount, before - debit.amount, key)
    ON CONFLICT (idempotency_key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT balance_after INTO first_answer FROM plain_credits.ledger WHERE idempotency_key = key;
        RETURN first_answer;
    END IF;
    IF before < debit.amount THEN
        RAISE EXCEPTION 'insufficient credits';
    END IF;
    UPDATE plain_credits.accounts SET balance = before - debit.amount, updated_at = now()
    WHERE id = account;
    RETURN before - debit.amount;
END
$$;
GRANT USAGE ON SCHEMA plain_credits TO bench_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA plain_credits TO bench_app;

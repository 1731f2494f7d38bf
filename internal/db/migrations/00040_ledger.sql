-- +goose Up
-- Accounts with their balances as of the last commit. A folded account's row lags
-- behind by its rows in ledger_delta. All amounts are minor units.
CREATE TABLE ledger_account (
    id          UUID PRIMARY KEY,
    currency    TEXT NOT NULL,
    book        TEXT NOT NULL,
    floor       BIGINT,            -- NULL: none
    ceiling     BIGINT,            -- NULL: none
    folded      BOOLEAN NOT NULL,
    posted      BIGINT NOT NULL,
    pending_in  BIGINT NOT NULL,
    pending_out BIGINT NOT NULL,
    count       BIGINT NOT NULL,   -- movements of posted
    terms       BYTEA NOT NULL     -- SHA-256 of id, currency, book, floor, ceiling and folded
);

-- What batches added to folded accounts and the fold has not yet taken up.
CREATE TABLE ledger_delta (
    account_id  UUID NOT NULL,
    batch_id    UUID NOT NULL,
    posted      BIGINT NOT NULL,
    pending_in  BIGINT NOT NULL,
    pending_out BIGINT NOT NULL,
    count       BIGINT NOT NULL,
    PRIMARY KEY (account_id, batch_id)
);

-- One row a transfer, both legs in it, never changed and never deleted. Its id is
-- its batch's with its place in the batch in the last 16 bits, so that a batch's
-- rows stand together. There are no foreign keys: the accounts of the hot path
-- would be locked by them; `verify` finds legs that lead nowhere.
CREATE TABLE ledger_transfer (
    id           UUID PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    debit        UUID NOT NULL,     -- loses
    credit       UUID NOT NULL,     -- gains
    amount       BIGINT NOT NULL,   -- always more than zero
    currency     TEXT NOT NULL,
    phase        TEXT NOT NULL,     -- posted, pending, settle, void, reverse
    resolves     UUID,              -- the transfer that a settle, void or reverse ends
    kind         TEXT NOT NULL,
    description  TEXT NOT NULL,
    ref          TEXT NOT NULL,
    fact         BOOLEAN NOT NULL,  -- history: floors and ceilings did not apply
    effective_at BIGINT NOT NULL,   -- when it counts
    recorded_at  BIGINT NOT NULL,   -- when it was written
    expires_at   BIGINT NOT NULL,   -- end of a hold; 0: none
    digest       BYTEA NOT NULL     -- SHA-256 of all of the above
);
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit, effective_at, id);
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit, effective_at, id);
-- The year's interest is asked for with every look at a savings account.
CREATE INDEX ledger_transfer_interest_credit ON ledger_transfer (credit, effective_at) WHERE kind = 'interest';
CREATE INDEX ledger_transfer_interest_debit ON ledger_transfer (debit, effective_at) WHERE kind = 'interest';
-- A hold is settled or voided once, a posting reversed once.
CREATE UNIQUE INDEX ledger_transfer_resolved ON ledger_transfer (resolves) WHERE resolves IS NOT NULL;

-- Open holds with a time limit.
CREATE TABLE ledger_expiry (
    transfer_id UUID PRIMARY KEY,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX ledger_expiry_due ON ledger_expiry (expires_at);

-- One row a batch of transfers, numbered and chained after commit (db.Number).
CREATE TABLE ledger_batch (
    id          UUID PRIMARY KEY,
    count       BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    digest      BYTEA NOT NULL,    -- SHA-256 of the above and the transfers' digests in order
    seq         BIGINT UNIQUE,
    chain       BYTEA
);
CREATE INDEX ledger_batch_unnumbered ON ledger_batch (id) WHERE seq IS NULL;

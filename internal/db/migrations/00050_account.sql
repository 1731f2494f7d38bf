-- +goose Up
-- Cards and savings accounts. What an account holds is its source's to say.
CREATE TABLE account (
    id                UUID PRIMARY KEY,
    ref               TEXT NOT NULL UNIQUE,  -- the issuer's reference
    kind              TEXT NOT NULL,         -- card, savings
    currency          TEXT NOT NULL,
    name              TEXT NOT NULL,
    last4             TEXT NOT NULL,
    status            TEXT NOT NULL,         -- active, frozen, closed
    source            TEXT NOT NULL,         -- ledger, or a source of the configuration
    credit_limit      BIGINT,                -- minor units, as the next two
    statement_balance BIGINT,                -- owed at the last statement, positive
    minimum_due       BIGINT,
    due_on            TEXT NOT NULL,         -- YYYY-MM-DD or '', as the next two
    opened_on         TEXT NOT NULL,
    expires_on        TEXT NOT NULL,
    rate_bp           BIGINT,                -- interest a year in basis points
    version           BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    status_at         BIGINT NOT NULL DEFAULT 0 -- when it was last frozen or released; 0: never
);

-- The last good answer of a source outside this database, so that it outlives a
-- restart. Of an answer that would be the same rows of this database nothing is kept.
CREATE TABLE account_last_known (
    account_id UUID PRIMARY KEY,
    body       TEXT NOT NULL,
    saved_at   BIGINT NOT NULL
);

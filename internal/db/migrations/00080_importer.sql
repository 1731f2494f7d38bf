-- +goose Up
-- What was imported, so that the same file again changes nothing and a reference
-- that comes with other contents is noticed. Transactions need no row here: their
-- reference is the ledger's key.
CREATE TABLE import_row (
    kind      TEXT NOT NULL,    -- member, account, holder
    ref       TEXT NOT NULL,
    digest    BYTEA NOT NULL,   -- SHA-256 of the row's contents
    object_id UUID NOT NULL,    -- the member or account that it became
    decimals  BIGINT NOT NULL,  -- of an account: how finely its amounts were written, for `balances`
    PRIMARY KEY (kind, ref)
);

-- +goose Up
-- What was imported, so that the same file again changes nothing and a reference
-- that comes with other contents is noticed. Transactions need no row here: their
-- reference is the ledger's key.
CREATE TABLE import_row (
    kind      TEXT NOT NULL,   -- member, account, holder
    ref       TEXT NOT NULL,
    digest    BYTEA NOT NULL,  -- SHA-256 of the row's contents
    object_id UUID NOT NULL,   -- the member or account that it became
    PRIMARY KEY (kind, ref)
);

-- With how many decimals an account's imported amounts were written, so that
-- `balances` writes them alike.
CREATE TABLE import_decimals (
    account_id UUID PRIMARY KEY,
    decimals   BIGINT NOT NULL
);

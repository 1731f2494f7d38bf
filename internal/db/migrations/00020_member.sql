-- +goose Up
-- People who may hold accounts. username is as the member wrote it; username_key is
-- the form that sign-in compares (RFC 8265), which makes it unique whatever the case; username_look
-- is what all names that look like it have in common (UTS #39), of which there is one.
CREATE TABLE member (
    id           UUID PRIMARY KEY,
    ref          TEXT NOT NULL UNIQUE,
    username     TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    username_look TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    email        TEXT NOT NULL,
    phone        TEXT NOT NULL,
    locale       TEXT NOT NULL,
    region       TEXT NOT NULL,
    birth_date   TEXT NOT NULL,
    synthetic    BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL
);

-- Who holds which account. A holder who was removed keeps the row, so that versions
-- go on counting when the same member comes back.
CREATE TABLE holder (
    member_id  UUID NOT NULL REFERENCES member (id),
    account_id UUID NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'joint', 'authorized')),
    removed    BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (member_id, account_id)
);

CREATE INDEX holder_account ON holder (account_id);

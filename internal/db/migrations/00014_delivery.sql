-- +goose Up
-- What text messages and calls have cost on one day, in units of the tariff, by
-- country. A day has several rows a country, so that messages which are sent at
-- the same time do not wait for each other; readers add them up.
CREATE TABLE message_spending (
    day      TEXT NOT NULL,     -- in the cell's time zone
    country  TEXT NOT NULL,     -- the tariff's prefix, as +44
    slot     BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    units    BIGINT NOT NULL,
    PRIMARY KEY (day, country, slot)
);

-- How a member wants to get codes. Without a row it is the cell's order.
CREATE TABLE code_preference (
    member_id  UUID PRIMARY KEY,
    ways       TEXT NOT NULL,    -- channels in order, separated by spaces
    by_itself  BOOLEAN NOT NULL, -- the next way is used without being asked
    changed_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL   -- when the member last read which codes were asked for
);

-- Each time somebody who knew a member's password asked for a code: for the member
-- to see, and for an agent to find by the reference, which says nothing by itself.
CREATE TABLE code_request (
    id          UUID PRIMARY KEY,     -- of the challenge, or its own where no way was left
    member_id   UUID NOT NULL,
    scope       BYTEA NOT NULL,       -- as the challenge's
    reference   TEXT NOT NULL UNIQUE,
    purpose     TEXT NOT NULL,
    device_name TEXT NOT NULL,
    ip          TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    messages    BIGINT NOT NULL       -- 0: no way was left
);
CREATE INDEX code_request_member ON code_request (member_id, asked_at);
CREATE INDEX code_request_asked ON code_request (asked_at);

-- +goose Up
-- Until when a member's account is handled with care, because somebody was let in
-- by less than usual: payment methods added since then do not pay yet, and changes
-- of contact points wait. One row a member, the latest such time.
CREATE TABLE caution (
    member_id UUID PRIMARY KEY REFERENCES member (id),
    since     BIGINT NOT NULL,
    until     BIGINT NOT NULL, -- over from then on
    reason    TEXT NOT NULL,   -- of what began it
    version   BIGINT NOT NULL
);

-- Who was offered recovery codes and did not want them now.
CREATE TABLE recovery_offer (
    member_id    UUID PRIMARY KEY REFERENCES member (id),
    dismissed_at BIGINT NOT NULL
);

-- Changes of how a member is reached. A row is made once it is proved who asks;
-- it waits for the code that went to the new address, then for its time.
CREATE TABLE contact_change (
    id           UUID PRIMARY KEY,   -- of the challenge, too, whose code proves the new address
    member_id    UUID NOT NULL REFERENCES member (id),
    kind         TEXT NOT NULL,      -- email, phone
    address      TEXT NOT NULL,      -- the new one; empty: the contact point goes
    old_address  TEXT NOT NULL,      -- empty: there was none
    strong       BOOLEAN NOT NULL,   -- who asks was proved by more than a message
    state        TEXT NOT NULL,      -- unproved, waiting, done, stopped, replaced, refused
    asked_at     BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,    -- 0 while unproved
    ended_at     BIGINT NOT NULL     -- 0 while unproved or waiting
);
CREATE UNIQUE INDEX contact_change_waiting ON contact_change (member_id, kind) WHERE state = 'waiting';
CREATE INDEX contact_change_due ON contact_change (effective_at) WHERE state = 'waiting';
CREATE INDEX contact_change_unproved ON contact_change (asked_at) WHERE state = 'unproved';

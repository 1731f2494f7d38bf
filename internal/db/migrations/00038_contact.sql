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

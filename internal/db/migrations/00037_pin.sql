-- +goose Up
-- The PIN by which a member is known on the telephone. It is hashed like a
-- password, and under the master key before that: there are so few PINs that the
-- hash alone would hold nobody up. Wrong ones are counted in throttle.
CREATE TABLE pin (
    member_id UUID PRIMARY KEY REFERENCES member (id),
    phc       TEXT NOT NULL,   -- PHC string of argon2id
    set_at    BIGINT NOT NULL,
    version   BIGINT NOT NULL
);

-- Enrolment finds a member by what stands in the issuer's letter or by an address.
CREATE INDEX member_email ON member (lower(email));
CREATE INDEX member_phone ON member (phone);

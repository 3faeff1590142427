-- Browsers that wait for a phone (model/pairing.rs), for minutes. Both sides are known by hashes.
CREATE TABLE pairings (
    browser BYTEA NOT NULL PRIMARY KEY,
    call BYTEA NOT NULL UNIQUE,
    site TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    client TEXT NOT NULL,
    -- Whose browsers count together.
    network TEXT NOT NULL,
    begun BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- Who is on the phone.
    app_id TEXT,
    openid TEXT,
    unionid TEXT,
    name TEXT,
    avatar TEXT
);
CREATE INDEX pairings_network ON pairings (state, network, expires);
CREATE INDEX pairings_expires ON pairings (expires, state);

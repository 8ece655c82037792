// What a server stores of a password (RFC 5802, RFC 7677), made here, so that it never gets the
// password itself.
#pragma once

#include <string>

namespace latchkey {

// As PostgreSQL stores it: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. The password
// must be ASCII, which SASLprep leaves as it is.
std::string ScramVerifier(const std::string& password, const std::string& salt, int iterations);

// For a password that was made of random bytes, with a new salt. Iterations slow down whoever
// guesses; random bytes nobody guesses, and both sides would pay for them at each connection, more
// than for all the rest of it. So there is one.
std::string ScramVerifierOfRandom(const std::string& password);

}  // namespace latchkey

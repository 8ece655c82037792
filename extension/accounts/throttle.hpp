// Bounds attempts per account and per client address, exactly, and without a queue in front of the
// hashing.
//
// A limit of n is n numbered places. An attempt reserves a free one by trying its advisory lock,
// which it holds to the end of its transaction; a failure writes the place's number into
// login_attempts, and so uses it up for the rest of the window. Places in flight and places used
// never exceed n together, so of a thousand parallel guesses at most n are evaluated, and nobody
// queues while a password is hashed. What an attempt leaves behind is written in turn, after the
// hashing: until the commit of the one before.
//
// Failures in a row are counted in the same row, beyond the window's end. Nobody hears more answers
// than that limit either: attempts that were evaluated at once are counted one after the other
// before they are answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

struct Limit {
  int64_t attempts;
  int64_t window_micros;
  int64_t in_a_row = 0;  // failures without a success between them, over all windows; 0: no bound
};

struct Attempt {
  std::string scope;
  std::string key_hash;
  int32_t place = 0;
  Limit limit{};
};

struct Admission {
  std::optional<Attempt> attempt;         // empty: refused
  std::optional<pg::Timestamp> retry_at;  // when refused; empty: not before ForgetFailures
};

// `scope` names what is counted: 'login' per account, 'address' per client …; `key` is stored
// hashed.
Admission Admit(pg::Spi& spi, std::string_view scope, std::string_view key, const Limit& limit);

// What an attempt leaves behind is written after this lock, held to the end of the transaction.
void LockRecord(const Attempt& attempt);

// Both take that lock. False when the limit of failures in a row was reached meanwhile, by attempts
// that were under way with this one: then it is as if this one had not been heard. `holder` is
// whose key it is, if anybody's.
bool RecordFailure(pg::Spi& spi, const Attempt& attempt,
                   const std::optional<Uuid>& holder = std::nullopt);
bool RecordSuccess(pg::Spi& spi, const Attempt& attempt);  // forgets the failures

void ForgetFailures(pg::Spi& spi, std::string_view scope, std::string_view key);
// The same without the lock, for a key that nobody has had yet: an import has room for many.
void DropFailures(pg::Spi& spi, std::string_view scope, std::string_view key);

// Whether another mail of this kind may go to the address, by setting throttle.mail_requests. Every
// request counts, answered or not: mailboxes are not to be flooded. Takes its lock before any lock
// on the user's row.
bool MayMail(pg::Spi& spi, std::string_view scope, std::string_view email_key);

// The network that counts as one client: an IPv4 address, or the /64 of an IPv6 one; IPv4 within
// IPv6 is IPv4. Empty when the request's address is not known.
std::optional<std::string> ClientNetwork(pg::Spi& spi);

}  // namespace latchkey::accounts

// Rows of latchkey.tenant_moves.
#pragma once

#include "extension/pg/args.hpp"
#include "extension/settings/sealed_column.hpp"

namespace latchkey::tenant_moves {

inline constexpr char kMoveJob[] = "latchkey.move_tenant";
inline constexpr char kWrite[] = "tenant_databases.write";
inline constexpr char kRead[] = "tenant_databases.read";

// Of the copy that the tenant does not use.
extern const settings::SealedColumn kOtherCopy;

struct Move {
  Uuid job_id;
  std::string status;
  std::optional<std::string> step;
  std::string from_server;
  std::string to_server;
  std::optional<std::string> sealed_connection;
  int64_t run = 0;
  bool discard_writes = false;
  std::optional<std::string> checksum;

  // Whether a worker has something to do.
  bool IsUnderWay() const;
  // Whether there are two copies.
  bool IsOpen() const { return IsUnderWay() || status == "switched"; }
};

// The tenant is to be locked before.
std::optional<Move> LockMove(pg::Spi& spi, const Uuid& tenant_id);
// Raises LK404.
Move RequireMove(pg::Spi& spi, const Uuid& tenant_id);

// Whoever is at it is refused from now on.
void SetStatus(pg::Spi& spi, const Uuid& tenant_id, const char* status,
               const std::optional<std::string>& error);
void DiscardWrites(pg::Spi& spi, const Uuid& tenant_id);
// With the copy that is left over now; none: the move is over.
void SetOtherCopy(pg::Spi& spi, const Uuid& tenant_id,
                  const std::optional<std::string>& sealed_connection);

// A job that does what is to be done, unless one waits.
Uuid EnqueueMove(pg::Spi& spi, const Uuid& tenant_id);

// As latchkey.tenant_move; all null when the tenant was never moved.
std::vector<pg::Value> LoadMove(pg::Spi& spi, const Uuid& tenant_id);

}  // namespace latchkey::tenant_moves

// Definitions of the latchkey.* server settings. None holds a secret: a path or a command only.
#include "extension/settings/server_settings.hpp"

#include <unistd.h>

#include <algorithm>

#include "extension/pg/server.hpp"

namespace latchkey::settings {

namespace {
char* master_key_file = nullptr;
char* master_key_command = nullptr;
int max_concurrent_hashes = 0;
int hash_wait_ms = 5000;
}  // namespace

void DefineServerSettings() {
  DefineCustomStringVariable(
      "latchkey.master_key_file",
      "File with the 32-byte key that wraps all stored keys and secrets.",
      "32 raw bytes, or 64 hexadecimal digits and former keys after them; mode 0600, owned by the "
      "server's account.",
      &master_key_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("latchkey.master_key_command", "Command that prints the master key.",
                             "Run by the server when latchkey.master_key_file is not set.",
                             &master_key_command, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr,
                             nullptr, nullptr);
  DefineCustomIntVariable("latchkey.max_concurrent_hashes",
                          "How many password hashes run at once in the whole server.",
                          "0: one less than there are cores, at least one.", &max_concurrent_hashes,
                          0, 0, 1024, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "latchkey.hash_wait", "How long a call waits for its turn to hash before it gets too_busy.",
      nullptr, &hash_wait_ms, 5000, 1, 600000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved("latchkey");
#else
  EmitWarningsOnPlaceholders("latchkey");
#endif
}

const char* MasterKeyFile() { return master_key_file; }
const char* MasterKeyCommand() { return master_key_command; }
int HashWaitMilliseconds() { return hash_wait_ms; }

int MaxConcurrentHashes() {
  if (max_concurrent_hashes > 0) return max_concurrent_hashes;
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<int>(std::max(1L, cores - 1));
}

}  // namespace latchkey::settings

// Settings of the server (postgresql.conf): where the master key is, how many hashes may run at
// once.
#pragma once

namespace latchkey::settings {

void DefineServerSettings();  // from _PG_init

const char* MasterKeyFile();     // empty when not set
const char* MasterKeyCommand();  // empty when not set
int MaxConcurrentHashes();       // resolved: at least 1
int HashWaitMilliseconds();

}  // namespace latchkey::settings

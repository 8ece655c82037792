// The gateway's configuration, and the one table that parsing, `--help` and the reference share.
#pragma once

#include <string>
#include <vector>

namespace latchkey {

struct Config {
  std::string host;
  long port = 0;
  std::string database_url;
  long pool_size = 0;
  long slow_limit = 0;
  long acquire_timeout_ms = 0;
  long statement_timeout_ms = 0;
  long connection_lifetime_s = 0;
  bool prepare = true;
  long request_timeout_ms = 0;
  long idle_timeout_ms = 0;
  long drain_timeout_ms = 0;
  long max_connections = 0;
  long max_buffered_kib = 0;
  long max_streams = 0;
  long stream_interval_ms = 0;
  std::vector<std::string> cors_origins;
  std::vector<std::string> trusted_proxies;
  std::string public_url;
  std::string reset_path;
  std::string verify_path;
  std::string invitation_path;
  std::string join_path;
  std::string mail_command;
  long mail_timeout_ms = 0;
  bool access_log = true;
  bool with_worker = false;
  std::string worker_database_url;
  long worker_threads = 0;
  long worker_lease_s = 0;
  long worker_poll_ms = 0;
  std::string dns_server;
  std::string templates;
  std::string dump_folder;
  std::string export_folder;
  std::string pg_bin;
  long tenant_connections = 0;
  long tenant_connections_each = 0;
  long tenant_waiting = 0;
  long tenant_idle_s = 0;
  long tenant_connect_timeout_s = 0;
  std::vector<std::string> webhook_networks;
};

struct ConfigResult {
  Config config;
  std::vector<std::string> arguments;  // what is no flag: the command and its operands
  bool help = false;
  bool version = false;
  std::string error;  // empty: all is well
};

// Defaults, then the environment, then flags: what comes later wins.
ConfigResult ReadConfig(int argc, char** argv);

// The flags with their environment variables and defaults, as text for a terminal.
std::string ConfigHelp();
// The same as a markdown table.
std::string ConfigMarkdown();

}  // namespace latchkey

// Reading flags and environment by one table.
#include "gateway/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <variant>

#include "gateway/work/dns.hpp"

namespace latchkey {
namespace {

using Target = std::variant<std::string Config::*, long Config::*, bool Config::*,
                            std::vector<std::string> Config::*>;

struct Option {
  const char* flag;  // without the two dashes
  const char* variable;
  const char* value_name;
  const char* default_text;
  Target target;
  long least, most;  // for numbers
  const char* meaning;
};

const std::vector<Option>& Options() {
  static const std::vector<Option> table = {
      {"host", "LATCHKEY_HOST", "ADDRESS", "127.0.0.1", &Config::host, 0, 0,
       "address to listen on"},
      {"port", "LATCHKEY_PORT", "PORT", "8080", &Config::port, 0, 65535,
       "port to listen on; 0 takes a free one"},
      {"database-url", "LATCHKEY_DATABASE_URL", "URL", "", &Config::database_url, 0, 0,
       "libpq connection URL or string; the role needs latchkey_gateway and nothing else "
       "(import-users and create-admin: latchkey_admin)"},
      {"pool-size", "LATCHKEY_POOL_SIZE", "N", "0", &Config::pool_size, 0, 1000,
       "database connections at most; 0: the slow limit, and two for each processor (at least 4). "
       "More help when statements wait (for locks, for a distant server), not when they compute"},
      {"slow-limit", "LATCHKEY_SLOW_LIMIT", "N", "8", &Config::slow_limit, 1, 999,
       "how many of them requests that hash a password may use at once"},
      {"acquire-timeout-ms", "LATCHKEY_ACQUIRE_TIMEOUT_MS", "MS", "5000",
       &Config::acquire_timeout_ms, 1, 600000,
       "how long a request waits for a database connection before it is answered 503; one that "
       "hashes a password waits twice as long"},
      {"statement-timeout-ms", "LATCHKEY_STATEMENT_TIMEOUT_MS", "MS", "10000",
       &Config::statement_timeout_ms, 1, 600000, "how long one statement may run"},
      {"connection-lifetime-s", "LATCHKEY_CONNECTION_LIFETIME_S", "S", "1800",
       &Config::connection_lifetime_s, 1, 86400,
       "a database connection is replaced after about this time"},
      {"prepare", "LATCHKEY_PREPARE", "on|off", "on", &Config::prepare, 0, 0,
       "prepared statements; off for poolers in transaction mode that don't follow them"},
      {"request-timeout-ms", "LATCHKEY_REQUEST_TIMEOUT_MS", "MS", "10000",
       &Config::request_timeout_ms, 1, 600000,
       "time from a request's first byte to its last, and for sending an answer"},
      {"idle-timeout-ms", "LATCHKEY_IDLE_TIMEOUT_MS", "MS", "75000", &Config::idle_timeout_ms, 1,
       86400000, "how long a connection may be idle between requests"},
      {"drain-timeout-ms", "LATCHKEY_DRAIN_TIMEOUT_MS", "MS", "10000", &Config::drain_timeout_ms, 0,
       600000, "how long running requests may take after SIGTERM"},
      {"max-connections", "LATCHKEY_MAX_CONNECTIONS", "N", "12000", &Config::max_connections, 1,
       1000000, "client connections at most; more are answered 503"},
      {"max-buffered-kib", "LATCHKEY_MAX_BUFFERED_KIB", "KIB", "65536", &Config::max_buffered_kib,
       64, 16777216,
       "memory for requests that are not yet served, of all clients together; beyond it requests "
       "over 4 KiB are answered 503"},
      {"max-streams", "LATCHKEY_MAX_STREAMS", "N", "500", &Config::max_streams, 0, 100000,
       "streams of jobs' progress at most; more are answered 503. While there are any, they use "
       "one "
       "database connection beside the pool's"},
      {"stream-interval-ms", "LATCHKEY_STREAM_INTERVAL_MS", "MS", "1000",
       &Config::stream_interval_ms, 100, 60000, "how often the jobs of all streams are looked at"},
      {"cors-origins", "LATCHKEY_CORS_ORIGINS", "LIST", "", &Config::cors_origins, 0, 0,
       "origins that browsers may call from, comma-separated, or *"},
      {"trusted-proxies", "LATCHKEY_TRUSTED_PROXIES", "LIST", "", &Config::trusted_proxies, 0, 0,
       "addresses or CIDR ranges whose X-Forwarded-For is believed, comma-separated"},
      {"public-url", "LATCHKEY_PUBLIC_URL", "URL", "", &Config::public_url, 0, 0,
       "where users reach the application; links in mails start with it"},
      {"reset-path", "LATCHKEY_RESET_PATH", "PATH", "/reset-password?token=", &Config::reset_path,
       0, 0, "follows the public URL in password reset links, before the token"},
      {"verify-path", "LATCHKEY_VERIFY_PATH", "PATH", "/verify-email?token=", &Config::verify_path,
       0, 0, "follows the public URL in address confirmation links, before the token"},
      {"invitation-path", "LATCHKEY_INVITATION_PATH", "PATH",
       "/accept-invitation?token=", &Config::invitation_path, 0, 0,
       "follows the public URL in the links of invitations, before the token"},
      {"join-path", "LATCHKEY_JOIN_PATH", "PATH", "/join?token=", &Config::join_path, 0, 0,
       "follows the public URL in the links of invitations to a tenant, before the token"},
      {"mail-command", "LATCHKEY_MAIL_COMMAND", "PROGRAM", "", &Config::mail_command, 0, 0,
       "program that sends one mail, described as a JSON line on its standard input; run without "
       "a shell and without arguments"},
      {"mail-timeout-ms", "LATCHKEY_MAIL_TIMEOUT_MS", "MS", "30000", &Config::mail_timeout_ms, 1,
       600000, "how long the mail program may run"},
      {"access-log", "LATCHKEY_ACCESS_LOG", "on|off", "on", &Config::access_log, 0, 0,
       "one JSON line for every request on standard output"},
      {"with-worker", "LATCHKEY_WITH_WORKER", "on|off", "off", &Config::with_worker, 0, 0,
       "serve runs jobs as well, as the command work does; --with-worker alone switches it on"},
      {"worker-database-url", "LATCHKEY_WORKER_DATABASE_URL", "URL", "",
       &Config::worker_database_url, 0, 0,
       "libpq connection URL or string of the worker; its role needs latchkey_worker and nothing "
       "else"},
      {"worker-threads", "LATCHKEY_WORKER_THREADS", "N", "4", &Config::worker_threads, 1, 100,
       "jobs that this worker runs at once, and one less that wait for servers of others; it takes "
       "as many database connections, and two more"},
      {"worker-lease-s", "LATCHKEY_WORKER_LEASE_S", "S", "60", &Config::worker_lease_s, 1, 86400,
       "after this time without a sign of life a job goes to another worker"},
      {"worker-poll-ms", "LATCHKEY_WORKER_POLL_MS", "MS", "5000", &Config::worker_poll_ms, 10,
       3600000, "how often an idle worker looks for jobs that no notification told of"},
      {"dns-server", "LATCHKEY_DNS_SERVER", "ADDRESS", "", &Config::dns_server, 0, 0,
       "IPv4 address of the DNS server, with :PORT if need be, that the worker checks hostnames "
       "with; else the system's"},
      {"templates", "LATCHKEY_TEMPLATES", "FOLDER", LATCHKEY_TEMPLATES, &Config::templates, 0, 0,
       "folder of the templates of tenant databases"},
      {"dump-folder", "LATCHKEY_DUMP_FOLDER", "FOLDER", "/var/tmp", &Config::dump_folder, 0, 0,
       "where the worker keeps the dump of a tenant that is being moved, in a folder that only it "
       "can read, and removes it afterwards"},
      {"export-folder", "LATCHKEY_EXPORT_FOLDER", "FOLDER", "", &Config::export_folder, 0, 0,
       "where the worker writes exports of tenants, readable for its user alone; without one it "
       "makes none"},
      {"pg-bin", "LATCHKEY_PG_BIN", "FOLDER", "", &Config::pg_bin, 0, 0,
       "folder of pg_dump and pg_restore, which must be as new as the servers of tenants; else "
       "they are looked for in PATH"},
      {"tenant-connections", "LATCHKEY_TENANT_CONNECTIONS", "N", "100", &Config::tenant_connections,
       1, 10000, "connections to tenants' databases at most, of all tenants together"},
      {"tenant-connections-each", "LATCHKEY_TENANT_CONNECTIONS_EACH", "N", "8",
       &Config::tenant_connections_each, 1, 1000, "of them to one tenant's database"},
      {"tenant-waiting", "LATCHKEY_TENANT_WAITING", "N", "32", &Config::tenant_waiting, 1, 10000,
       "requests that may wait for such a connection: half of them for tenants on one server, a "
       "quarter for one tenant; more are answered 503 at once"},
      {"tenant-idle-s", "LATCHKEY_TENANT_IDLE_S", "S", "60", &Config::tenant_idle_s, 1, 86400,
       "a connection to a tenant's database is closed when nobody has used it for this long"},
      {"tenant-connect-timeout-s", "LATCHKEY_TENANT_CONNECT_TIMEOUT_S", "S", "3",
       &Config::tenant_connect_timeout_s, 2, 60,
       "how long connecting to a tenant's database may take"},
      {"webhook-networks", "LATCHKEY_WEBHOOK_NETWORKS", "LIST", "", &Config::webhook_networks, 0, 0,
       "private or local addresses, or CIDR ranges of them, to which the worker sends webhooks as "
       "to public ones, comma-separated"},
  };
  return table;
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> items;
  std::string item;
  for (char c : text + ",") {
    if (c == ',') {
      if (!item.empty()) items.push_back(item);
      item.clear();
    } else if (c != ' ') {
      item += c;
    }
  }
  return items;
}

// Returns what is wrong with the value, empty when nothing is.
std::string Assign(Config& config, const Option& option, const std::string& value) {
  if (auto text = std::get_if<std::string Config::*>(&option.target)) {
    config.** text = value;
  } else if (auto list = std::get_if<std::vector<std::string> Config::*>(&option.target)) {
    config.** list = SplitList(value);
  } else if (auto flag = std::get_if<bool Config::*>(&option.target)) {
    if (value != "on" && value != "off") return "must be on or off";
    config.** flag = value == "on";
  } else {
    char* end = nullptr;
    const long number = std::strtol(value.c_str(), &end, 10);
    if (value.empty() || *end || number < option.least || number > option.most) {
      return "must be a number from " + std::to_string(option.least) + " to " +
             std::to_string(option.most);
    }
    config.*std::get<long Config::*>(option.target) = number;
  }
  return "";
}

const Option* FindOption(const std::string& name) {
  for (const Option& option : Options()) {
    if (name == option.flag) return &option;
  }
  return nullptr;
}

void ReadDefaultsAndEnvironment(ConfigResult& result) {
  for (const Option& option : Options()) {
    Assign(result.config, option, option.default_text);
    const char* value = std::getenv(option.variable);
    if (!value) continue;
    const std::string wrong = Assign(result.config, option, value);
    if (!wrong.empty()) result.error = std::string(option.variable) + " " + wrong;
  }
}

// Handles argv[i]; moves i past a value that stands apart from its flag.
void ReadFlag(int argc, char** argv, int& i, ConfigResult& result) {
  std::string name = argv[i] + 2;
  std::string value;
  const size_t equals = name.find('=');
  const bool attached = equals != std::string::npos;
  if (attached) {
    value = name.substr(equals + 1);
    name.resize(equals);
  }
  if (name == "no-prepare" && !attached) {
    result.config.prepare = false;
    return;
  }
  if (name == "with-worker" && !attached) {
    result.config.with_worker = true;
    return;
  }
  const Option* option = FindOption(name);
  if (!option) {
    result.error = "unknown flag --" + name;
    return;
  }
  if (!attached) {
    if (i + 1 == argc) {
      result.error = "--" + name + " needs a value";
      return;
    }
    value = argv[++i];
  }
  const std::string wrong = Assign(result.config, *option, value);
  if (!wrong.empty()) result.error = "--" + name + " " + wrong;
}

std::string Check(const Config& config) {
  if (config.slow_limit >= config.pool_size) return "--slow-limit must be less than --pool-size";
  const bool url_ok = config.public_url.empty() || config.public_url.rfind("http://", 0) == 0 ||
                      config.public_url.rfind("https://", 0) == 0;
  if (!url_ok) return "--public-url must start with https:// or http://";
  if (!config.mail_command.empty() && config.public_url.empty()) {
    return "--mail-command needs --public-url, which the links in mails start with";
  }
  if (!config.dns_server.empty() && !ParseDnsServer(config.dns_server)) {
    return "--dns-server must be an IPv4 address, with :PORT if need be";
  }
  return "";
}

}  // namespace

ConfigResult ReadConfig(int argc, char** argv) {
  ConfigResult result;
  ReadDefaultsAndEnvironment(result);
  for (int i = 1; i < argc && result.error.empty(); ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") {
      result.help = true;
    } else if (word == "--version") {
      result.version = true;
    } else if (word == "--promote") {
      // A flag of one command only, which reads it itself; so are the next two.
      result.arguments.push_back(word);
    } else if ((word == "--rejected" || word == "--name") && i + 1 < argc) {
      result.arguments.push_back(word);
      result.arguments.push_back(argv[++i]);
    } else if (word.rfind("--", 0) == 0) {
      ReadFlag(argc, argv, i, result);
    } else {
      result.arguments.push_back(word);
    }
  }
  Config& config = result.config;
  if (config.pool_size == 0) {
    const long processors = static_cast<long>(std::thread::hardware_concurrency());
    config.pool_size = config.slow_limit + std::max(4L, 2 * processors);
  }
  if (result.error.empty()) result.error = Check(config);
  while (!config.public_url.empty() && config.public_url.back() == '/') {
    config.public_url.pop_back();
  }
  return result;
}

std::string ConfigHelp() {
  std::string out;
  for (const Option& option : Options()) {
    out += "  --" + std::string(option.flag) + " " + option.value_name + "\n      " +
           option.meaning + "\n      environment: " + option.variable;
    if (*option.default_text) out += std::string("; default: ") + option.default_text;
    out += "\n";
  }
  return out;
}

std::string ConfigMarkdown() {
  std::string out = "| flag | environment | default | meaning |\n|---|---|---|---|\n";
  for (const Option& option : Options()) {
    std::string value = option.value_name;
    for (size_t at = 0; (at = value.find('|', at)) != std::string::npos; at += 2) {
      value.replace(at, 1, "\\|");
    }
    const std::string fallback =
        *option.default_text ? "`" + std::string(option.default_text) + "`" : "none";
    out += "| `--" + std::string(option.flag) + " " + value + "` | `" + option.variable + "` | " +
           fallback + " | " + option.meaning + " |\n";
  }
  return out;
}

}  // namespace latchkey

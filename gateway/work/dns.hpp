// Looking up TXT records, with the system's resolver.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace latchkey {

struct DnsServer {
  std::string address;  // IPv4
  int port = 53;
};

// ADDRESS or ADDRESS:PORT, of IPv4; nothing for what is neither.
std::optional<DnsServer> ParseDnsServer(const std::string& text);

struct TxtAnswer {
  // Each record as one text. What is not printable ASCII is left out, and so is what comes after
  // the first hundred.
  std::vector<std::string> values;
  std::string error;       // why there are none, or not all
  bool transient = false;  // later it may be otherwise: no answer came, or the server failed
};

// Asks the system's servers, or the given one. Takes at most some 20 seconds. What
// does not fit into one datagram is not read.
TxtAnswer LookUpTxt(const std::string& name, const std::optional<DnsServer>& server);

}  // namespace latchkey

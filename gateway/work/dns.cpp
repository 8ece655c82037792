// Asking a resolver, and reading its answer.
#include "gateway/work/dns.hpp"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cstdlib>
#include <string_view>

namespace latchkey {
namespace {

// Of each server, of at most three: 2 s for the first try, and as much or more for the second.
constexpr int kTimeoutS = 2;
constexpr int kTries = 2;
constexpr size_t kMaxAnswer = 65535;
constexpr size_t kMaxValues = 100;
constexpr size_t kMaxValueLength = 500;
constexpr char kTooLong[] = "the DNS records of type TXT are too long: leave but ours at this name";
// In the third byte of an answer: it did not fit.
constexpr unsigned char kTruncated = 0x02;

// The resolver's state is this thread's own: the global one belongs to nobody.
class Resolver {
 public:
  Resolver() : ok_(res_ninit(&state_) == 0) {}
  ~Resolver() {
    if (ok_) res_nclose(&state_);
  }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  bool ok() const { return ok_; }
  // A resolver that takes our TCP connection and then says nothing would hold the thread for ever:
  // the library has no time limit there. So it asks over UDP alone, with room for 1,200 bytes.
  void Limit() {
    state_.retrans = kTimeoutS;
    state_.retry = kTries;
    state_.options |= RES_IGNTC | RES_USE_EDNS0;
  }
  void AskOnly(const DnsServer& server) {
    state_.nscount = 1;
    state_.nsaddr_list[0].sin_family = AF_INET;
    state_.nsaddr_list[0].sin_port = htons(static_cast<uint16_t>(server.port));
    inet_pton(AF_INET, server.address.c_str(), &state_.nsaddr_list[0].sin_addr);
  }
  // The answer's length; -1: error() says why.
  int Query(const std::string& name, std::vector<unsigned char>& answer) {
    return res_nquery(&state_, name.c_str(), ns_c_in, ns_t_txt, answer.data(),
                      static_cast<int>(answer.size()));
  }
  int error() const { return state_.res_h_errno; }

 private:
  struct __res_state state_ = {};
  const bool ok_;
};

// Why there is no answer.
TxtAnswer NoAnswer(int error) {
  switch (error) {
    case HOST_NOT_FOUND:
      return {{}, "there is no such name in DNS", false};
    case NO_DATA:
      return {{}, "the name has no DNS record of type TXT", false};
    default:
      return {{}, "DNS can't be asked at the moment: no answer came, or an error", true};
  }
}

// A record's data is texts of up to 255 bytes, each behind its length; the value is all of them.
std::optional<std::string> ValueOf(const ns_rr& record) {
  std::string value;
  const unsigned char* at = ns_rr_rdata(record);
  const unsigned char* const end = at + ns_rr_rdlen(record);
  while (at < end) {
    const size_t length = *at++;
    if (length > static_cast<size_t>(end - at)) return std::nullopt;
    value.append(reinterpret_cast<const char*>(at), length);
    at += length;
  }
  for (const char c : value) {
    if (c < 0x20 || c > 0x7E) return std::nullopt;
  }
  if (value.size() > kMaxValueLength) return std::nullopt;
  return value;
}

TxtAnswer Read(const std::vector<unsigned char>& answer, int length) {
  ns_msg message;
  if (ns_initparse(answer.data(), length, &message) != 0) return NoAnswer(NO_RECOVERY);
  TxtAnswer found;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return NoAnswer(NO_RECOVERY);
    if (ns_rr_type(record) != ns_t_txt || ns_rr_class(record) != ns_c_in) continue;
    auto value = ValueOf(record);
    if (value && found.values.size() < kMaxValues) found.values.push_back(std::move(*value));
  }
  if (ns_msg_getflag(message, ns_f_tc)) found.error = kTooLong;
  return found;
}

}  // namespace

std::optional<DnsServer> ParseDnsServer(const std::string& text) {
  DnsServer server;
  const size_t colon = text.find(':');
  server.address = text.substr(0, colon);
  in_addr address;
  if (inet_pton(AF_INET, server.address.c_str(), &address) != 1) return std::nullopt;
  if (colon == std::string::npos) return server;
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) {
    return std::nullopt;
  }
  server.port = std::atoi(port.c_str());
  if (server.port < 1 || server.port > 65535) return std::nullopt;
  return server;
}

TxtAnswer LookUpTxt(const std::string& name, const std::optional<DnsServer>& server) {
  Resolver resolver;
  if (!resolver.ok()) return NoAnswer(TRY_AGAIN);
  resolver.Limit();
  if (server) resolver.AskOnly(*server);
  std::vector<unsigned char> answer(kMaxAnswer);
  const int length = resolver.Query(name, answer);
  if (length < 0 && resolver.error() == NO_DATA && (answer[2] & kTruncated)) {
    return {{}, kTooLong, false};
  }
  if (length < 0) return NoAnswer(resolver.error());
  return Read(answer, length);
}

}  // namespace latchkey

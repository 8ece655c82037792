// Reading X-Forwarded-For.
#include "gateway/http/client_address.hpp"

namespace latchkey {

std::string ClientAddress(std::string_view peer, std::string_view forwarded_for,
                          const AddressRanges& proxies) {
  std::string client(peer);
  if (!proxies.Contains(peer)) return client;
  while (!forwarded_for.empty()) {
    const size_t comma = forwarded_for.rfind(',');
    std::string_view item =
        comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!ParseAddress(item)) break;
    client = std::string(item);
    if (!proxies.Contains(item) || comma == std::string_view::npos) break;
    forwarded_for = forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace latchkey

// Counting, and rendering for Prometheus.
#include "gateway/http/metrics.hpp"

#include <unistd.h>

#include <cstdio>

namespace latchkey {
namespace {

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

void Head(std::string& out, const std::string& name, const char* type, const std::string& help) {
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

}  // namespace

Metrics::Metrics(std::vector<Label> routes) {
  routes.push_back({"", "(none)"});
  for (Label& label : routes) {
    routes_.push_back(std::make_unique<Route>());
    routes_.back()->label = std::move(label);
  }
}

void Metrics::Count(size_t index, int status, int64_t microseconds) {
  Route& route = *routes_[index];
  size_t bucket = 0;
  while (bucket < kBucketsMicroseconds.size() && microseconds > kBucketsMicroseconds[bucket]) {
    ++bucket;
  }
  route.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  route.microseconds.fetch_add(static_cast<uint64_t>(microseconds), std::memory_order_relaxed);
  const size_t slot = status > 0 && status < static_cast<int>(kStatuses) ? status : 0;
  route.by_status[slot].fetch_add(1, std::memory_order_relaxed);
}

void Metrics::AddGauge(std::string name, std::string type, std::string help,
                       std::function<double()> read) {
  gauges_.push_back({std::move(name), std::move(type), std::move(help), std::move(read)});
}

void Metrics::RenderHistogram(std::string& out, const Route& route) const {
  uint64_t total = 0;
  for (const auto& bucket : route.buckets) total += bucket.load(std::memory_order_relaxed);
  if (total == 0) return;
  const std::string labels =
      "method=\"" + route.label.method + "\",route=\"" + route.label.route + "\"";
  uint64_t sum = 0;
  for (size_t i = 0; i < route.buckets.size(); ++i) {
    sum += route.buckets[i].load(std::memory_order_relaxed);
    const std::string bound = i < kBucketsMicroseconds.size()
                                  ? Number(static_cast<double>(kBucketsMicroseconds[i]) / 1e6)
                                  : "+Inf";
    out += "latchkey_http_request_duration_seconds_bucket{" + labels + ",le=\"" + bound + "\"} " +
           std::to_string(sum) + "\n";
  }
  const double seconds = static_cast<double>(route.microseconds.load()) / 1e6;
  out += "latchkey_http_request_duration_seconds_sum{" + labels + "} " + Number(seconds) + "\n";
  out +=
      "latchkey_http_request_duration_seconds_count{" + labels + "} " + std::to_string(sum) + "\n";
}

std::string Metrics::Render() const {
  std::string out;
  Head(out, "latchkey_http_requests_total", "counter", "Requests answered.");
  for (const auto& route : routes_) {
    for (size_t status = 0; status < kStatuses; ++status) {
      const uint64_t count = route->by_status[status].load(std::memory_order_relaxed);
      if (count == 0) continue;
      out += "latchkey_http_requests_total{method=\"" + route->label.method + "\",route=\"" +
             route->label.route + "\",status=\"" + std::to_string(status) + "\"} " +
             std::to_string(count) + "\n";
    }
  }
  Head(out, "latchkey_http_request_duration_seconds", "histogram",
       "Time from a complete request to its response.");
  for (const auto& route : routes_) RenderHistogram(out, *route);
  for (const Gauge& gauge : gauges_) {
    Head(out, gauge.name, gauge.type.c_str(), gauge.help);
    out += gauge.name + " " + Number(gauge.read()) + "\n";
  }
  for (const auto& text : texts_) out += text();
  return out;
}

double ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  long total = 0, resident = 0;
  const int fields = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return fields == 2 ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE))
                     : 0;
}

}  // namespace latchkey

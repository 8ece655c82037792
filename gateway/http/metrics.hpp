// Counters of requests, and their text for Prometheus (exposition format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace latchkey {

class Metrics {
 public:
  // One label pair for every route; the last one stands for requests that match none.
  struct Label {
    std::string method;
    std::string route;
  };
  explicit Metrics(std::vector<Label> routes);

  size_t unmatched() const { return routes_.size() - 1; }
  void Count(size_t route, int status, int64_t microseconds);

  // A figure that somebody else keeps, read when the text is made.
  void AddGauge(std::string name, std::string type, std::string help, std::function<double()> read);
  // Text that somebody else makes, after all others.
  void AddText(std::function<std::string()> render) { texts_.push_back(std::move(render)); }
  std::string Render() const;

 private:
  static constexpr std::array<int64_t, 12> kBucketsMicroseconds = {
      500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000};
  static constexpr size_t kStatuses = 600;

  struct Route {
    Label label;
    std::array<std::atomic<uint64_t>, kBucketsMicroseconds.size() + 1> buckets = {};
    std::atomic<uint64_t> microseconds{0};
    std::array<std::atomic<uint64_t>, kStatuses> by_status = {};
  };
  struct Gauge {
    std::string name, type, help;
    std::function<double()> read;
  };

  void RenderHistogram(std::string& out, const Route& route) const;

  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<Gauge> gauges_;
  std::vector<std::function<std::string()>> texts_;
};

// Resident memory of this process in bytes.
double ResidentBytes();

}  // namespace latchkey

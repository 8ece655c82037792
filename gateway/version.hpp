// The version of the gateway.
#pragma once

namespace latchkey {
constexpr char kVersion[] = "0.1.0";
}

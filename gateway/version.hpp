// The version of the gateway.
#pragma once

#ifndef LATCHKEY_VERSION  // the Makefile reads it from META.json
#define LATCHKEY_VERSION "unknown"
#endif

namespace latchkey {
constexpr char kVersion[] = LATCHKEY_VERSION;
}

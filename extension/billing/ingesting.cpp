// ingest_stripe_event: the door for webhooks, whose signature is their authority.
#include <cstdlib>

#include "extension/billing/events.hpp"
#include "extension/core/error.hpp"
#include "extension/core/stripe_signature.hpp"
#include "extension/pg/args.hpp"
#include "extension/secrets/secrets.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::billing {

namespace {

constexpr settings::BooleanSetting kLivemode("billing.stripe_livemode");
constexpr settings::DurationSetting kTolerance("billing.stripe_tolerance");
constexpr size_t kMaxPayload = size_t{1} << 20;

[[noreturn]] void Refuse(const char* message, const char* hint = "") {
  throw Error(ErrorCode::kInvalidArgument, message, {}, hint);
}

// During a rotation two secrets count.
void CheckSignature(pg::Spi& spi, std::string_view payload, std::string_view header) {
  const auto signature = ParseStripeSignature(header);
  if (!signature) Refuse("the signature is malformed");
  const auto current = secrets::Read(spi, "stripe.webhook_secret");
  const auto previous = secrets::Read(spi, "stripe.previous_webhook_secret");
  if (!current && !previous) {
    throw Error(ErrorCode::kNotConfigured, "there is no secret to check webhooks with", {},
                "SELECT latchkey.set_secret('stripe.webhook_secret', 'whsec_…').");
  }
  bool is_valid = false;
  for (const auto* secret : {&current, &previous}) {
    if (*secret) is_valid |= IsSignedWith(*signature, payload, (*secret)->view());
  }
  if (!is_valid) Refuse("the signature is wrong");
  const int64_t tolerance = kTolerance.Micros(spi) / 1000000;
  if (std::llabs(pg::Now().UnixSeconds() - signature->signed_at) > tolerance) {
    Refuse("the signature is too old, or of the future", "Is the server's clock right?");
  }
}

}  // namespace

LATCHKEY_FUNCTION(ingest_stripe_event, kSecret) {
  const auto payload = args.Text(0, "payload");
  const auto header = args.Text(1, "signature");
  if (payload.size() > kMaxPayload) Refuse("the event is larger than 1 MiB");
  pg::RequireWritable("ingest_stripe_event()");
  pg::Spi spi;
  CheckSignature(spi, payload, header);
  const StripeEvent event = ParseStripeEvent(payload);
  if (event.livemode != kLivemode.Get(spi)) {
    Refuse(event.livemode ? "the event is of live mode" : "the event is of test mode",
           "Setting billing.stripe_livemode says which mode is taken.");
  }
  std::string outcome = "duplicate";
  if (StoreEvent(spi, event)) {
    std::vector<std::string> appeared;
    outcome = ApplyStored(spi, event.id, appeared);
    ApplyWaiting(spi, std::move(appeared));
  }
  spi.Finish();
  return args.Return(outcome);
}

}  // namespace latchkey::billing

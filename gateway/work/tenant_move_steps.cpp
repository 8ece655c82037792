// What each step of a move does; all may be repeated, whatever ended them before.
#include <openssl/rand.h>
#include <unistd.h>

#include <stdexcept>

#include "gateway/tenants/database_fence.hpp"
#include "gateway/tenants/statements.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/tenant_move.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 30000;
constexpr useconds_t kPauseUs = 100000;
constexpr char kNote[] = "SELECT latchkey.record_move($1, $2, 'verify', NULL, $3, $4, $5)";
constexpr char kSwitch[] = "SELECT latchkey.switch_move($1, $2)";
constexpr char kTenantDump[] = "tenant.dump";
constexpr char kExtensionDump[] = "extension.dump";
constexpr char kList[] = "contents.list";

std::string RandomPassword() {
  unsigned char bytes[24];
  if (RAND_bytes(bytes, sizeof bytes) != 1) throw std::runtime_error("no random bytes");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// One for each tenant: a role is not of one database.
std::string ReaderName(const std::string& tenant_id) {
  std::string name = "latchkey_move_";
  for (const char c : tenant_id) {
    if (c != '-') name += c;
  }
  return name;
}

}  // namespace

TenantMove::TenantMove(WorkSession& session, HeldJob& job, MovePlan plan, MoveOptions options)
    : session_(session),
      job_(job),
      plan_(std::move(plan)),
      options_(std::move(options)),
      reader_name_(ReaderName(job.account_id)),
      reader_password_(RandomPassword()),
      step_(plan_.step.empty() ? "connect" : plan_.step),
      is_touched_(!plan_.step.empty() && plan_.step != "connect") {}

DatabaseAddress TenantMove::In(const DatabaseAddress& server, const DatabaseAddress& database) {
  DatabaseAddress address = server;
  address.database = database.database;
  return address;
}

DatabaseAddress TenantMove::Reader(const DatabaseAddress& database) const {
  DatabaseAddress address = database;
  address.user = reader_name_;
  address.password = reader_password_;
  return address;
}

MakerFailure TenantMove::With(const DatabaseAddress& address, const Work& work) {
  OutsideConnection outside(job_, address, options_.connect_timeout_s);
  if (!outside.error().empty()) return SqlError{"08001", outside.error(), "", ""};
  return work(outside.connection());
}

MakerFailure TenantMove::Hold() {
  const ConnectionString made = MakeConnectionString(plan_.source_server);
  server_.emplace(ConnectOptions{made.text, options_.connect_timeout_s, "latchkey-worker"});
  if (!server_->ok()) {
    const std::string reason = OneLine(server_->ErrorText());
    server_.reset();
    return SqlError{"08001", reason, "", ""};
  }
  Statements sql(*server_);
  // It says nothing while dumps are made, and must keep its lock.
  sql.Ask("SET idle_session_timeout = 0");
  while (sql.Ask(kTryTakeTurns, {plan_.source.database}) && !sql.IsTrue(0)) {
    if (!MayGoOn()) return SqlError{"", kStopped, "", ""};
    usleep(kPauseUs);
  }
  if (sql.failure() || plan_.status != "moving") return sql.failure();
  return With(plan_.target_server,
              [this](PgConnection& target) { return RequireDifferentServers(*server_, target); });
}

MakerFailure TenantMove::CreateTarget() {
  is_touched_ = true;
  if (auto failure = With(In(plan_.source_server, plan_.source), [this](PgConnection& source) {
        return LookAtExtensions(source, plan_.source.user, extensions_);
      })) {
    return failure;
  }
  const auto create = [this](PgConnection& target) -> MakerFailure {
    if (extensions_.has_latchkey) {
      if (auto failure = RequireExtension(target, extensions_.version)) return failure;
    }
    std::string locale;
    if (auto failure = ReadLocale(*server_, plan_.source, target, locale)) return failure;
    // What an earlier attempt has left is not worth finding out about.
    if (auto failure = DropTenantDatabase(target, plan_.target)) return failure;
    return CreateTenantDatabase(target, plan_.target, locale);
  };
  if (auto failure = With(plan_.target_server, create)) return failure;
  if (!extensions_.has_latchkey) return std::nullopt;
  return With(In(plan_.target_server, plan_.target),
              [this](PgConnection& target) { return InstallExtension(target, plan_.target.user); });
}

MakerFailure TenantMove::RefuseSource() {
  const DatabaseAddress reader = Reader(plan_.source);
  if (auto failure = MakeReader(*server_, plan_.source, reader)) return failure;
  if (auto failure = RefuseWrites(*server_, plan_.source, reader.user)) return failure;
  return ReadSourceDefinitions(definitions_);
}

MakerFailure TenantMove::ReadSourceDefinitions(std::string& definitions) {
  return With(Reader(plan_.source), [&definitions](PgConnection& source) {
    return ReadDefinitions(source, definitions);
  });
}

MakerFailure TenantMove::Dump() {
  folder_.emplace(options_.folder);
  if (!folder_->error().empty()) return SqlError{"", folder_->error(), "", ""};
  const DumpPrograms programs(options_.programs, [this] { return MayGoOn(); });
  const CopyAddresses addresses = {In(plan_.source_server, plan_.source), Reader(plan_.source),
                                   In(plan_.target_server, plan_.target), plan_.target};
  return DumpForCopy(programs, addresses, extensions_, folder_->File(kTenantDump),
                     folder_->File(kExtensionDump));
}

MakerFailure TenantMove::Restore() {
  const DumpPrograms programs(options_.programs, [this] { return MayGoOn(); });
  const CopyAddresses addresses = {In(plan_.source_server, plan_.source), Reader(plan_.source),
                                   In(plan_.target_server, plan_.target), plan_.target};
  if (auto failure = RestoreCopy(programs, addresses, extensions_, folder_->File(kTenantDump),
                                 folder_->File(kExtensionDump), folder_->File(kList))) {
    return failure;
  }
  folder_.reset();
  return With(plan_.target, [this](PgConnection& target) {
    return FinishCopy(*server_, plan_.source, target, plan_.target);
  });
}

MakerFailure TenantMove::ReadContents(const DatabaseAddress& tenant,
                                      const DatabaseAddress& administration,
                                      DatabaseContents& contents) {
  const auto read = [&](ContentsPart part) {
    return [this, part, &contents](PgConnection& connection) {
      return contents.Read(connection, part, extensions_.has_latchkey,
                           [this] { return MayGoOn(); });
    };
  };
  if (auto failure = With(tenant, read(ContentsPart::kTenant))) return failure;
  if (extensions_.has_latchkey) {
    if (auto failure = With(administration, read(ContentsPart::kExtension))) return failure;
  }
  if (MayGoOn()) return std::nullopt;
  return SqlError{"", kStopped, "", ""};
}

// The source is read when nobody can write it any more: what somebody has written in spite of being
// refused shows here, at the latest.
MakerFailure TenantMove::Compare() {
  const DatabaseAddress source = In(plan_.source_server, plan_.source);
  const DatabaseAddress target = In(plan_.target_server, plan_.target);
  DatabaseContents original, copy;
  if (auto failure = ReadContents(plan_.target, target, copy)) return failure;
  if (auto failure = CloseDatabase(*server_, plan_.source, reader_name_)) return failure;
  if (auto failure = ReadContents(Reader(plan_.source), source, original)) return failure;
  const std::string difference = original.DifferenceFrom(copy);
  if (!difference.empty()) return SqlError{"", difference, "", ""};
  std::string definitions;
  if (auto failure = ReadSourceDefinitions(definitions)) return failure;
  if (definitions != definitions_) {
    return SqlError{"", "definitions were changed while the database was copied", "", ""};
  }
  if (extensions_.has_latchkey) {
    std::string here, there;
    const auto usage = [](std::string& text) {
      return [&text](PgConnection& connection) { return ReadKeyUsage(connection, text); };
    };
    if (auto failure = With(source, usage(here))) return failure;
    if (auto failure = With(target, usage(there))) return failure;
    if (here != there) return SqlError{"", "the servers have different master keys", "", ""};
  }
  if (auto failure = DropReader(*server_)) return failure;
  return session_
      .Run(kNote,
           {job_.account_id, plan_.run, std::to_string(original.tables()),
            std::to_string(original.rows()), original.Checksum()},
           kTimeoutMs)
      .error;
}

MakerFailure TenantMove::Switch() {
  return session_.Run(kSwitch, {job_.account_id, plan_.run}, kTimeoutMs).error;
}

MakerFailure TenantMove::CloseTarget() {
  const DatabaseAddress reader = Reader(plan_.target);
  return With(plan_.target_server, [this, &reader](PgConnection& target) -> MakerFailure {
    if (auto failure = MakeReader(target, plan_.target, reader)) return failure;
    if (auto failure = RefuseWrites(target, plan_.target, reader.user)) return failure;
    const auto failure = CloseDatabase(target, plan_.target, reader.user);
    if (!failure || plan_.discard_writes) return failure;
    // Whoever has something to end there must get in for it.
    if (auto error = ReopenDatabase(target, plan_.target, reader.user)) return error;
    is_refused_ = true;
    return failure;
  });
}

MakerFailure TenantMove::CompareTarget() {
  const DatabaseAddress administration = In(plan_.target_server, plan_.target);
  if (auto failure = With(administration, [this](PgConnection& target) {
        return LookAtExtensions(target, plan_.target.user, extensions_);
      })) {
    return failure;
  }
  DatabaseContents contents;
  if (auto failure = ReadContents(Reader(plan_.target), administration, contents)) return failure;
  if (contents.Checksum() == plan_.checksum) return std::nullopt;
  if (auto failure = With(plan_.target_server, [this](PgConnection& target) {
        return ReopenDatabase(target, plan_.target, reader_name_);
      })) {
    return failure;
  }
  is_refused_ = true;
  return SqlError{"", "the target was written since the switch; discard_writes gives that up", "",
                  ""};
}

MakerFailure TenantMove::ReopenSource() {
  return ReopenDatabase(*server_, plan_.source, reader_name_);
}

MakerFailure TenantMove::DropTarget() {
  return With(plan_.target_server, [this](PgConnection& target) -> MakerFailure {
    if (auto failure = DropTenantDatabase(target, plan_.target)) return failure;
    return DropReader(target);
  });
}

MakerFailure TenantMove::DropSource() {
  if (auto failure = DropTenantDatabase(*server_, plan_.source)) return failure;
  return DropReader(*server_);
}

MakerFailure TenantMove::DropReader(PgConnection& server) const {
  Statements sql(server);
  sql.Ask("DROP ROLE IF EXISTS " + sql.Name(reader_name_));
  return sql.failure();
}

}  // namespace latchkey

# Builds Latchkey: the extension (with PGXS), the gateway and the tests. `make help` lists the goals.

.DEFAULT_GOAL := all
SHELL := /bin/bash

EXTENSION = latchkey
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
# The release that both programs report.
RELEASE := $(shell sed -n 's/^    "version": "\(.*\)",/\1/p' META.json)
PG_CONFIG ?= pg_config
export PG_CONFIG

# --- The extension ----------------------------------------------------------------------------------------------------

MODULE_big = $(EXTENSION)
EXTENSION_SOURCES := $(sort $(wildcard extension/*.cpp extension/*/*.cpp))
OBJDIR ?= build
OBJS = $(EXTENSION_SOURCES:%.cpp=$(OBJDIR)/%.o)
SHLIB_LINK = -lstdc++ -lcrypto -largon2 -lidn2

# The order is the order of installation, so it is written out. A new module stands before 99_ownership.
SQL_MODULES = 00_schema 05_permissions 10_settings 20_events 22_event_consumers 25_jobs 27_schedules 28_secrets 30_accounts 40_sessions 45_roles 47_api_keys 48_job_streams 50_plans 52_quotas 53_trials 54_subscriptions 55_users 58_webhooks 60_credits 70_tenants 72_hostnames 75_tenant_databases 77_tenant_users 78_onboarding 79_tenant_moves 79_tenant_exports 80_billing 82_payments 99_ownership
SQL_FILES = $(SQL_MODULES:%=sql/modules/%.sql)
DATA = $(sort $(wildcard sql/upgrades/*.sql))
DATA_built = build/$(EXTENSION)--$(EXTVERSION).sql

# pg_regress looks for expected/ in its output folder first, and for sql/ as well: with an output folder of its own it
# can't take a file of ./sql for a test. build/*/expected are links to the top-level expected/.
REGRESS = $(shell sed -n 's/^test: *//p' test/regress/schedule 2>/dev/null)
REGRESS_OPTS = --inputdir=test/regress --outputdir=build/regress --encoding=UTF8
ISOLATION = $(basename $(notdir $(sort $(wildcard test/regress/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/regress --outputdir=build/isolation --encoding=UTF8
REGRESS_PREP = build/regress/expected build/isolation/expected

EXTRA_CLEAN = build/extension build/gateway build/latchkey-gateway build/unit build/sanitize build/fuzz build/fence \
	build/regress build/isolation build/server-version

# Bitcode would let the JIT inline across the module's functions. Each of them goes through the error fence and SPI, so
# there is nothing to win, and it would make clang a dependency.
override with_llvm = no

# A server's `pg_config` may exist without its headers (Debian's libpq-dev brings one).
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck:
	@echo "No PostgreSQL server headers found by $(PG_CONFIG): run 'make deps', or set PG_CONFIG." >&2; exit 1
.PHONY: all install installcheck
endif

WARNINGS = -Wall -Wextra -Werror
# Headers are named from the top: "extension/core/digest.hpp".
INCLUDES = -I. -DLATCHKEY_VERSION='"$(RELEASE)"'

# Server headers are not ours to warn about. Before PostgreSQL 16 they mark nothing for export, which hidden visibility
# needs; the definition equals the one of PostgreSQL 16, so it may be made twice.
EXTENSION_CXXFLAGS = $(filter-out -W%,$(CXXFLAGS)) $(WARNINGS) -std=c++17 -fPIC -fvisibility=hidden \
	-fvisibility-inlines-hidden -D'PGDLLEXPORT=__attribute__((visibility("default")))' $(INCLUDES) \
	$(patsubst -I%,-isystem %,$(filter-out -I. -I./ -I$(srcdir),$(CPPFLAGS)))

objects: $(OBJS)

$(OBJDIR)/extension/%.o: extension/%.cpp META.json $(OBJDIR)/server-version
	@mkdir -p $(@D)
	$(CXX) $(EXTENSION_CXXFLAGS) -MMD -MP -c -o $@ $<

# Changes when another server is chosen: objects of one version must not end up in the library for another.
$(OBJDIR)/server-version: FORCE
	@mkdir -p $(@D)
	@version='$(VERSION) $(includedir_server)'; [ "$$(cat $@ 2>/dev/null)" = "$$version" ] || echo "$$version" > $@

$(DATA_built): $(SQL_FILES) $(EXTENSION).control Makefile
	@mkdir -p $(@D)
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; \
	   for file in $(SQL_FILES); do printf '\n'; cat "$$file" || exit 1; done; } > $@.part && mv $@.part $@

build/regress/expected build/isolation/expected:
	@mkdir -p $(@D) && ln -sfn ../../expected $@

# --- The gateway ------------------------------------------------------------------------------------------------------

GATEWAY_SOURCES := $(sort $(wildcard gateway/*.cpp gateway/*/*.cpp))
# What it shares with the extension beside headers.
GATEWAY_CORE = public_address
GATEWAY_OBJS = $(GATEWAY_SOURCES:%.cpp=build/%.o) $(GATEWAY_CORE:%=build/gateway/core/%.o)

# A packaged cpp-httplib may be a compiled library; ours is the one header that `make deps` fetches.
ifeq ($(shell pkg-config --exists 'cpp-httplib >= 0.41' 2>/dev/null && echo yes),yes)
HTTPLIB_CXXFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags cpp-httplib))
HTTPLIB_LIBS := $(shell pkg-config --libs cpp-httplib)
else
HTTPLIB_HEADER = build/include/httplib.h
HTTPLIB_CXXFLAGS = -isystem build/include
endif
# In every file or in none: it changes the layout of the library's classes.
HTTPLIB_CXXFLAGS += -DCPPHTTPLIB_OPENSSL_SUPPORT
GATEWAY_OPTIMIZE ?= -O2
GATEWAY_CXXFLAGS = -g $(GATEWAY_OPTIMIZE) -std=c++17 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -pthread $(WARNINGS) \
	$(INCLUDES) -isystem $(shell $(PG_CONFIG) --includedir) $(HTTPLIB_CXXFLAGS)
GATEWAY_LIBS = -L$(shell $(PG_CONFIG) --libdir) -lpq $(HTTPLIB_LIBS) -lssl -lcrypto -lresolv -pthread

prefix ?= /usr/local
TEMPLATE_FILES := $(sort $(wildcard sql/templates/*/*.sql))

gateway: build/latchkey-gateway

build/latchkey-gateway: $(GATEWAY_OBJS)
	$(CXX) -g -pthread -o $@ $^ $(GATEWAY_LIBS)

build/gateway/%.o: gateway/%.cpp META.json | $(HTTPLIB_HEADER)
	@mkdir -p $(@D)
	$(CXX) $(GATEWAY_CXXFLAGS) -MMD -MP -c -o $@ $<

build/gateway/core/%.o: extension/core/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(GATEWAY_CXXFLAGS) -MMD -MP -c -o $@ $<

# Where install-gateway puts the templates, and the gateway looks for them.
build/gateway/config.o: GATEWAY_CXXFLAGS += -DLATCHKEY_TEMPLATES='"$(prefix)/share/latchkey/templates"'

build/include/httplib.h:
	scripts/deps.sh

install-gateway: gateway
	install -D -m 755 build/latchkey-gateway '$(DESTDIR)$(prefix)/bin/latchkey-gateway'
	set -e; for file in $(TEMPLATE_FILES); do \
		install -D -m 644 "$$file" '$(DESTDIR)$(prefix)/share/latchkey/templates/'"$${file#sql/templates/}"; done

# --- Unit tests: extension/core, and parts of the gateway, without a server --------------------------------------------

CORE_SOURCES := $(sort $(wildcard extension/core/*.cpp))
# What of the gateway needs no HTTP.
UNIT_GATEWAY_SOURCES := gateway/http/address_ranges.cpp gateway/http/client_address.cpp \
	gateway/http/host_lookups.cpp gateway/http/public_host.cpp \
	gateway/tenants/database_address.cpp gateway/tenants/scram_verifier.cpp gateway/tenants/sql_statements.cpp \
	gateway/tenants/tenant_pools.cpp
UNIT_TESTS := $(basename $(notdir $(sort $(wildcard test/unit/*_test.cpp))))
UNIT_CXXFLAGS = -g -std=c++17 -pthread $(WARNINGS) $(INCLUDES) -isystem $(shell $(PG_CONFIG) --includedir)
UNIT_LIBS = -lgtest_main -lgtest -L$(shell $(PG_CONFIG) --libdir) -lpq -largon2 -lidn2 -lcrypto -pthread
# The checks that are inserted make g++ see uninitialised values where there are none; the plain build warns of real ones.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-maybe-uninitialized

# One set of rules per flavour: $(1) is the folder below build/, $(2) its flags.
define UNIT_RULES
build/$(1)/core/%.o: extension/core/%.cpp
	@mkdir -p $$(@D)
	$$(CXX) $$(UNIT_CXXFLAGS) $(2) -MMD -MP -c -o $$@ $$<

build/$(1)/gateway/%.o: gateway/%.cpp
	@mkdir -p $$(@D)
	$$(CXX) $$(UNIT_CXXFLAGS) $(2) -MMD -MP -c -o $$@ $$<

build/$(1)/%_test.o: test/unit/%_test.cpp
	@mkdir -p $$(@D)
	$$(CXX) $$(UNIT_CXXFLAGS) $(2) -MMD -MP -c -o $$@ $$<

build/$(1)/%_test: build/$(1)/%_test.o $(CORE_SOURCES:extension/core/%.cpp=build/$(1)/core/%.o) \
		$(UNIT_GATEWAY_SOURCES:%.cpp=build/$(1)/%.o)
	$$(CXX) $(2) -o $$@ $$^ $$(UNIT_LIBS)
endef
$(eval $(call UNIT_RULES,unit,-O1))
$(eval $(call UNIT_RULES,sanitize,-O1 $(SANITIZE)))

unit: $(UNIT_TESTS:%=build/unit/%)

sanitize: $(UNIT_TESTS:%=build/sanitize/%)
	@set -e; for program in $^; do echo "$$program"; UBSAN_OPTIONS=print_stacktrace=1 $$program --gtest_brief=1; done

# --- The fence: a module for the tests, out of the bridge's own objects -----------------------------------------------

FENCE_OBJS := $(patsubst test/fence/%.cpp,build/fence/%.o,$(sort $(wildcard test/fence/*.cpp)))

fence: build/fence/latchkey_fence_test.so

build/fence/%.o: test/fence/%.cpp $(OBJDIR)/server-version
	@mkdir -p $(@D)
	$(CXX) $(EXTENSION_CXXFLAGS) -MMD -MP -c -o $@ $<

build/fence/latchkey_fence_test.so: $(FENCE_OBJS) \
		$(filter $(OBJDIR)/extension/pg/% $(OBJDIR)/extension/core/%,$(OBJS))
	$(CXX) -g -shared -o $@ $^ $(SHLIB_LINK)

# --- Fuzzers: test/fuzz/*.cpp with libFuzzer, each for FUZZ_SECONDS ---------------------------------------------------

FUZZ_CXX ?= clang++
FUZZ_SECONDS ?= 30
FUZZERS := $(basename $(notdir $(sort $(wildcard test/fuzz/*.cpp))))

build/fuzz/%: test/fuzz/%.cpp $(CORE_SOURCES) FORCE
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(filter-out -Werror,$(UNIT_CXXFLAGS)) -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(CORE_SOURCES) -largon2 -lidn2 -lcrypto

fuzz: $(FUZZERS:%=build/fuzz/%)
	@set -e; for program in $^; do \
		mkdir -p $$program.corpus; echo "$$program for $(FUZZ_SECONDS) s"; \
		$$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_funcs=0 \
			-artifact_prefix=$$program. -print_final_stats=1 $$program.corpus \
			$$(find test/fuzz/seeds -path "*/$${program##*/}" -type d); \
	done

# --- For people -------------------------------------------------------------------------------------------------------

world: all gateway

deps:
	@scripts/deps.sh

# Needs nothing installed but this machine's compiler: the headers are downloaded.
compile-matrix:
	@scripts/compile-against.sh

up down reset:
	@scripts/dev/$@.sh

test:
	@test/run

# What takes too long for every run: minutes to hours, each test by itself.
soak: world
	@set -e; for script in test/soak/*.sh; do echo "$$script"; "$$script"; done

TRACKED = git ls-files -co --exclude-standard
bench:
	@bench/run

# What of docs/ is printed from the catalogue and the gateway's tables.
docs:
	@scripts/docs/generate.sh

docs-check:
	@scripts/docs/generate.sh --check

CXX_FILES = $(shell $(TRACKED) -- '*.cpp' '*.hpp' '*.h')
SHELL_FILES = $(shell $(TRACKED) -z | xargs -0 grep -lsE '^\#!/.*\b(ba)?sh$$')

format:
	clang-format -i $(CXX_FILES)

lint:
	clang-format --dry-run -Werror $(CXX_FILES)
	shellcheck -x $(SHELL_FILES)

help:
	@echo "make up [PORT=8080]   build everything and start a private server with a gateway"
	@echo "make down             stop them; the data stays for the next 'make up'"
	@echo "make reset            stop them and delete their data"
	@echo "make test             build everything and run all tests on throw-away servers"
	@echo "make bench            measure Latchkey beside its peers; takes a while"
	@echo "make soak             run the tests that take long: timing, storms, crashes"
	@echo "make deps             install what is missing from Debian's packages"
	@echo "make                  build the extension; 'make world' builds the gateway too"
	@echo "make install          install the extension into the server of PG_CONFIG"
	@echo "make install-gateway  install the gateway below prefix=/usr/local"
	@echo "make installcheck     run pg_regress and the isolation specs against a running server"
	@echo "make unit, sanitize   build the unit tests; build and run them with ASan and UBSan"
	@echo "make fuzz             run the fuzzers, FUZZ_SECONDS=30 each"
	@echo "make compile-matrix   compile the extension against the newer servers that Debian packages"
	@echo "make docs             write the generated parts of docs/; make docs-check compares them"
	@echo "make format, lint     clang-format; check formatting and shell scripts"

FORCE:
.PHONY: FORCE bench compile-matrix deps docs docs-check down fuzz format gateway help install-gateway lint objects reset sanitize soak test unit up world
.SECONDARY:

-include $(OBJS:.o=.d) $(GATEWAY_OBJS:.o=.d) $(wildcard build/unit/*.d build/unit/*/*.d build/unit/gateway/*/*.d \
	build/sanitize/*.d build/sanitize/*/*.d build/sanitize/gateway/*/*.d build/fence/*.d)

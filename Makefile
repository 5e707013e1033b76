# kpwatch: plain GNU make.  `make run` and `make check` do all the set-up.
# Flags may be given on the command line; a change of flags rebuilds.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
OPT ?= -O3 -g
SANITIZE ?=

PKGS = libevent_core libevent_extra libcurl libcares libpcap zlib libdeflate libbrotlidec libzstd \
       sqlite3 yaml-0.1 jansson libssl libcrypto uchardet libidn2 libpsl
WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
       -Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wvla
HARDEN = -fstack-protector-strong -fPIE
LINK_HARDEN = -pie -Wl,-z,relro,-z,now
ifeq ($(CI),true)
WARN += -Werror
endif
ifeq ($(SANITIZE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
B = build
else
HARDEN += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_HARDEN += -fsanitize=$(SANITIZE)
B = build/$(subst $(comma),-,$(SANITIZE))
endif
comma := ,

# The program is optimised as a whole; the tests link the same objects as they
# are, so that they build fast and can put something in a function's place.
# GCC only: what clang makes of these flags nothing else here can read.
ifeq ($(SANITIZE),)
LTO ?= $(shell $(CC) --version 2>/dev/null | grep -q 'Free Software' && \
	 echo -flto=auto -ffat-lto-objects)
endif

CPPFLAGS_ALL = -D_GNU_SOURCE -DKPWATCH_VERSION='"$(VERSION)"' -iquote include \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(CFLAGS)
LIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

SRC = $(wildcard probe/*.c)
OBJ = $(SRC:probe/%.c=$(B)/%.o)
LIBOBJ = $(filter-out $(B)/main.o,$(OBJ))
UNIT_SRC = $(wildcard tests/unit/test_*.c)
UNIT = $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)

ifeq ($(SANITIZE),)
PROGRAM = kpwatch
else
PROGRAM = $(B)/kpwatch
endif

# make V=1 shows the commands whole.
ifeq ($(V),)
Q = @
SAY = @echo
else
SAY = @:
endif

all: $(PROGRAM)

-include $(wildcard $(B)/*.d $(B)/tests/*.d)

# Rewritten only when the flags differ, so that a change rebuilds everything.
$(B)/flags: force
	@mkdir -p $(B)/tests
	@printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LTO)' | cmp -s - $@ || \
	  printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LTO)' > $@

$(B)/%.o: probe/%.c $(B)/flags
	$(SAY) "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LTO) -MMD -MP -c -o $@ $<

$(B)/libkpwatch.a: $(LIBOBJ)
	@rm -f $@
	$(SAY) "  AR    $@"
	$(Q)ar rcs $@ $(LIBOBJ)

$(PROGRAM): $(B)/main.o $(B)/libkpwatch.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO) $(LINK_HARDEN) $(LDFLAGS) -o $@ $(B)/main.o $(B)/libkpwatch.a $(LIBS)

# As the program is built; PEERS: flags for what else it is measured against.
$(B)/bench_analysis: tests/bench/bench_analysis.c $(B)/libkpwatch.a
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LTO) $(PEERS) $(LINK_HARDEN) -o $@ $< \
	  $(B)/libkpwatch.a $(LIBS) $(PEERS_LIBS)

$(B)/tests/%: tests/unit/%.c $(B)/libkpwatch.a
	$(SAY) "  TEST  $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LINK_HARDEN) -o $@ $< \
	  -fno-lto $(B)/libkpwatch.a $(LIBS) -lcmocka

$(B)/tests/%: tests/conformance/%.c $(B)/libkpwatch.a
	$(SAY) "  TEST  $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LINK_HARDEN) -o $@ $< \
	  -fno-lto $(B)/libkpwatch.a $(LIBS) -lcmocka

unit: $(UNIT)

# --- set-up, tests, installation -------------------------------------------

deps:
	@contrib/setup/deps.sh build

deps-test:
	@contrib/setup/deps.sh build test
	@contrib/setup/promtool.sh $(B)/tools

deps-fuzz:
	@contrib/setup/deps.sh build test fuzz

deps-bench:
	@contrib/setup/deps.sh build test bench

# A recursive make each time: the packages that the build asks pkg-config
# about must be there before its variables are read.
run: deps
	@$(MAKE) --no-print-directory -j2 all
	./kpwatch run -c conf/kpwatch.yaml

CONFORMANCE_SRC = $(wildcard tests/conformance/*.c)
CONFORMANCE = $(CONFORMANCE_SRC:tests/conformance/%.c=$(B)/tests/%)

# The daemon with one part replaced.
SERVICE_SRC = $(wildcard tests/service/*.c)
SERVICE = $(SERVICE_SRC:tests/service/%.c=$(B)/tests/%)
wrapped_hostile_analyser = analysis_run connection_send
wrapped_kill_points = channel_send channel_send_fd connection_send \
	connection_receive assembler_step

$(B)/tests/%: tests/service/%.c $(B)/libkpwatch.a
	$(SAY) "  TEST  $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LINK_HARDEN) -o $@ $< \
	  -fno-lto $(wrapped_$*:%=-Wl,--wrap=%) $(B)/libkpwatch.a $(LIBS)

programs: $(PROGRAM) $(UNIT) $(CONFORMANCE) $(SERVICE)

check: deps-test
	@$(MAKE) --no-print-directory -j2 CI=true programs
	@KPWATCH=$(CURDIR)/$(PROGRAM) B=$(B) tests/run.sh unit conformance \
	  cases hooks service fuzz lint world torture

# One kind of test: make check-unit, check-world, ...
check-%: programs
	@KPWATCH=$(CURDIR)/$(PROGRAM) B=$(B) tests/run.sh $*

torture: deps-test
	@$(MAKE) --no-print-directory -j2 programs
	@KPWATCH=$(CURDIR)/$(PROGRAM) B=$(B) TORTURE=long tests/run.sh \
	  -t 7200 torture

lint: deps-test
	@$(MAKE) --no-print-directory -j2 CI=true $(B)/libkpwatch.a
	@B=$(B) LINT=full tests/run.sh -t 1800 lint

# One table of all figures; BENCH="live schedule" for some of them.
bench: deps-bench
	@$(MAKE) --no-print-directory -j2 all
	@KPWATCH=$(CURDIR)/$(PROGRAM) B=$(B) tests/bench/run.sh $(BENCH)

FUZZ_SECONDS ?= 30
FUZZ_SRC = $(wildcard tests/fuzz/fuzz_*.c)
FUZZ = $(FUZZ_SRC:tests/fuzz/%.c=build/fuzz/%)
FUZZ_CC ?= clang-14
FUZZ_FLAGS = -O1 -g -std=gnu11 -fsanitize=fuzzer-no-link,address,undefined \
	     -fno-sanitize-recover=undefined

build/fuzz/obj/%.o: probe/%.c
	@mkdir -p $(@D)
	$(SAY) "  FUZZ  $<"
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/libkpwatch.a: $(LIBOBJ:$(B)/%.o=build/fuzz/obj/%.o)
	@rm -f $@
	$(Q)ar rcs $@ $^

build/fuzz/%: tests/fuzz/%.c build/fuzz/libkpwatch.a
	$(SAY) "  FUZZ  $@"
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< \
	  build/fuzz/libkpwatch.a $(LIBS)

-include $(wildcard build/fuzz/obj/*.d)

# AFL++ in its persistent mode, from the same sources.
AFL = $(FUZZ_SRC:tests/fuzz/%.c=build/afl/%)
AFL_CC ?= afl-clang-fast
AFL_FLAGS = -O1 -g -std=gnu11
AFL_RUN = AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
	  AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_AUTORESUME=1

build/afl/obj/%.o: probe/%.c
	@mkdir -p $(@D)
	$(SAY) "  AFL   $<"
	$(Q)AFL_QUIET=1 AFL_USE_ASAN=1 $(AFL_CC) $(CPPFLAGS_ALL) $(AFL_FLAGS) \
	  -MMD -MP -c -o $@ $<

build/afl/libkpwatch.a: $(LIBOBJ:$(B)/%.o=build/afl/obj/%.o)
	@rm -f $@
	$(Q)ar rcs $@ $^

build/afl/%: tests/fuzz/%.c tests/fuzz/replay_main.c build/afl/libkpwatch.a
	$(SAY) "  AFL   $@"
	$(Q)AFL_QUIET=1 AFL_USE_ASAN=1 $(AFL_CC) $(CPPFLAGS_ALL) $(AFL_FLAGS) \
	  -o $@ $^ $(LIBS)

-include $(wildcard build/afl/obj/*.d)

afl-programs: $(AFL)

fuzz-afl: deps-fuzz
	@$(MAKE) --no-print-directory -j2 afl-programs
	@for f in $(AFL); do \
	  n=$$(basename $$f); echo "== $$n, $(FUZZ_SECONDS) s"; \
	  seeds=tests/fuzz/corpus/$$n; out=build/afl/out/$$n; \
	  mkdir -p build/afl/out; \
	  $(AFL_RUN) afl-fuzz -m none -V $(FUZZ_SECONDS) -i $$seeds -o $$out \
	    -- $$f > build/afl/$$n.log 2>&1 || \
	    { tail -n 40 build/afl/$$n.log; exit 1; }; \
	  sed -n 's/^\(execs_done\|edges_found\|bitmap_cvg\|saved_crashes\|saved_hangs\) *:/\1/p' \
	    $$out/default/fuzzer_stats | tr '\n' ' '; echo; \
	  grep -q '^saved_crashes *: 0$$' $$out/default/fuzzer_stats || exit 1; \
	done

fuzz-programs: $(FUZZ)

fuzz: deps-fuzz
	@$(MAKE) --no-print-directory -j2 fuzz-programs
	@for f in $(FUZZ); do \
	  n=$$(basename $$f); echo "== $$n, $(FUZZ_SECONDS) s"; \
	  mkdir -p build/fuzz/corpus/$$n; seeds=tests/fuzz/corpus/$$n; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$n $$seeds \
	    > build/fuzz/$$n.log 2>&1 || \
	    { tail -n 40 build/fuzz/$$n.log; exit 1; }; \
	  grep '^Done' build/fuzz/$$n.log; \
	done

# What the seeds, and what grew from them in build/fuzz/corpus, reach of the
# modules that each target is for.
COVERAGE = $(FUZZ_SRC:tests/fuzz/%.c=build/coverage/%)
COVERAGE_FLAGS = -O1 -g -std=gnu11 -fprofile-instr-generate -fcoverage-mapping

build/coverage/obj/%.o: probe/%.c
	@mkdir -p $(@D)
	$(SAY) "  COVER $<"
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(COVERAGE_FLAGS) -MMD -MP -c -o $@ $<

build/coverage/libkpwatch.a: $(LIBOBJ:$(B)/%.o=build/coverage/obj/%.o)
	@rm -f $@
	$(Q)ar rcs $@ $^

build/coverage/%: tests/fuzz/%.c tests/fuzz/replay_main.c \
		build/coverage/libkpwatch.a
	$(SAY) "  COVER $@"
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(COVERAGE_FLAGS) -o $@ $^ $(LIBS)

-include $(wildcard build/coverage/obj/*.d)

coverage-programs: $(COVERAGE)

fuzz-coverage: deps-fuzz
	@$(MAKE) --no-print-directory -j2 coverage-programs
	@bash tests/fuzz/coverage.sh

bindir = $(DESTDIR)$(PREFIX)/bin
mandir = $(DESTDIR)$(PREFIX)/share/man
hookdir = $(DESTDIR)$(PREFIX)/lib/kpwatch/hooks
unitdir = $(DESTDIR)$(PREFIX)/lib/systemd/system
bashdir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
# /usr and /usr/local keep their configuration in /etc.
ifneq ($(filter /usr /usr/local,$(PREFIX)),)
SYSCONF ?= /etc
else
SYSCONF ?= $(PREFIX)/etc
endif
confdir = $(DESTDIR)$(SYSCONF)/kpwatch

# The operator's files are never overwritten: a newer one lies beside it.
install: all
	install -d $(bindir) $(confdir)
	install -m 755 kpwatch $(bindir)/kpwatch
	@for f in conf/*.yaml; do \
	  to=$(confdir)/$$(basename $$f); \
	  if [ ! -e $$to ]; then install -m 644 $$f $$to; \
	  elif ! cmp -s $$f $$to; then install -m 644 $$f $$to.new; \
	    echo "kept $$to, new version in $$to.new"; fi; \
	done
	@for f in contrib/man/*.[1-8]; do [ -e $$f ] || continue; \
	  install -D -m 644 $$f $(mandir)/man$${f##*.}/$$(basename $$f); done
	@for f in contrib/hooks/*; do [ -f $$f ] && [ -x $$f ] || continue; \
	  install -D -m 755 $$f $(hookdir)/$$(basename $$f); done
	@install -D -m 644 contrib/hooks/message.jq $(hookdir)/message.jq
	@for f in contrib/systemd/*.service; do install -d $(unitdir); \
	  sed 's|/usr/bin/kpwatch|$(PREFIX)/bin/kpwatch|g' $$f \
	    > $(unitdir)/$$(basename $$f); \
	  chmod 644 $(unitdir)/$$(basename $$f); done
	@install -D -m 644 contrib/systemd/packets.conf \
	  $(DESTDIR)$(PREFIX)/share/kpwatch/packets.conf
	@install -D -m 644 contrib/completion/kpwatch.bash $(bashdir)/kpwatch

# The package in a clean root: minutes, the network, and root.
check-package: deps-deb programs
	@KPWATCH=$(CURDIR)/$(PROGRAM) B=$(B) tests/run.sh -t 1800 package

deps-deb:
	@contrib/setup/deps.sh build test deb

# A Debian package in build/deb.
deb:
	@contrib/setup/deps.sh build deb
	@contrib/debian/build.sh

clean:
	rm -rf build kpwatch

force:
.PHONY: all unit clean force deps deps-test deps-bench deps-fuzz deps-deb \
	check-package run programs check torture \
	lint bench fuzz fuzz-programs fuzz-afl afl-programs fuzz-coverage \
	coverage-programs install deb

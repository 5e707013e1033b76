# kpwatch: plain GNU make.  `make run` and `make check` do all the set-up.
# Flags may be given on the command line; a change of flags rebuilds.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
OPT ?= -O2 -g
SANITIZE ?=

PKGS = libevent_core libevent_extra libcurl libcares libpcap zlib libbrotlidec libzstd sqlite3 \
       yaml-0.1 jansson libssl libcrypto uchardet libidn2 libpsl
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

all: $(PROGRAM)

-include $(wildcard $(B)/*.d $(B)/tests/*.d)

# Rewritten only when the flags differ, so that a change rebuilds everything.
$(B)/flags: force
	@mkdir -p $(B)/tests
	@printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)' | cmp -s - $@ || \
	  printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)' > $@

$(B)/%.o: probe/%.c $(B)/flags
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/libkpwatch.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $(LIBOBJ)

$(PROGRAM): $(B)/main.o $(B)/libkpwatch.a
	$(CC) $(CFLAGS_ALL) $(LINK_HARDEN) $(LDFLAGS) -o $@ $(B)/main.o $(B)/libkpwatch.a $(LIBS)

$(B)/tests/%: tests/unit/%.c $(B)/libkpwatch.a
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LINK_HARDEN) -o $@ $< \
	  $(B)/libkpwatch.a $(LIBS) -lcmocka

$(B)/tests/%: tests/conformance/%.c $(B)/libkpwatch.a
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LINK_HARDEN) -o $@ $< \
	  $(B)/libkpwatch.a $(LIBS) -lcmocka

unit: $(UNIT)

clean:
	rm -rf build kpwatch

force:
.PHONY: all unit clean force

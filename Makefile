# brick: `make` builds the libraries, `make demo` trains a network, `make test` runs every test.

CARGO  ?= cargo
CC     ?= gcc
PYTHON ?= python3
PREFIX ?= /usr/local

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME  := libbrick.so.$(basename $(VERSION))
OUT     := target/release
CFLAGS  := -std=c99 -O2 -Wall -Wextra -pedantic -Werror
EXAMPLES := $(patsubst examples/%.c,$(OUT)/examples/%,$(wildcard examples/*.c))

.PHONY: all examples demo demo-filters test test-all test-rungs asan bench install test-install header fmt lint clean

all:
	$(CARGO) build --release --workspace
	ln -sf libbrick.so $(OUT)/$(SONAME)
	ln -sf libdnnl.so $(OUT)/libdnnl.so.3

examples: all $(EXAMPLES)

$(OUT)/examples/%: examples/%.c $(wildcard examples/*.h) include/brick.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Iinclude $< -o $@ -L$(OUT) -lbrick -lm -Wl,-rpath,'$$ORIGIN/..'

# BRICK_DATA=DIR learns the images of MNIST's files there instead; examples/mlp.c has more options.
demo: all $(OUT)/examples/mlp
	$(OUT)/examples/mlp

demo-filters: all $(OUT)/examples/filters
	@mkdir -p target/filters
	$(OUT)/examples/filters examples/data/cat.ppm target/filters
	-$(PYTHON) examples/png.py target/filters/*.ppm

# The suites known to pass whole. `make test-all` runs every suite and rung; docs/status.md says what was left out, and why.
test:
	$(CARGO) test -p brick-interpreter
	$(CARGO) test -p brick-dnn --lib --test encoder --test executable --test interpreted --test kernels --test kernel_costs --test expressions --test products

# Kernels and products run every rung in any case.
RUNG_TESTS := --test primitives --test c_abi
test-all:
	$(CARGO) test --workspace --no-fail-fast
	$(MAKE) test-rungs
	$(MAKE) test-install

test-rungs:
	BRICK_MAX_ISA=avx512_vnni $(CARGO) test $(RUNG_TESTS)
	BRICK_MAX_ISA=avx512 $(CARGO) test $(RUNG_TESTS)
	BRICK_MAX_ISA=avx2 $(CARGO) test $(RUNG_TESTS)
	BRICK_JIT_MEMORY=mprotect $(CARGO) test --test primitives
	BRICK_JIT_MEMORY=none $(CARGO) test $(RUNG_TESTS) --test kernels

# The C programs under the address and undefined-behaviour sanitizers; leaks of the library count.
asan:
	BRICK_C_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" $(CARGO) test --test c_abi

# BENCH: kernels ip mm bmm conv misc lstm elementwise ovh, or several; all if empty. BENCH_ARGS: see bench.py --help.
bench: all
	$(PYTHON) benches/bench.py $(BENCH) $(BENCH_ARGS)

lib     := $(DESTDIR)$(PREFIX)/lib
include := $(DESTDIR)$(PREFIX)/include
share   := $(DESTDIR)$(PREFIX)/share
at      := sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' -e 's|@SONAME@|$(SONAME)|g'

install: all
	install -d $(lib)/pkgconfig $(lib)/cmake/brick $(lib)/brick-dnnl $(include) $(share)/doc/brick
	install -m 755 $(OUT)/libbrick.so $(lib)/$(SONAME)
	ln -sf $(SONAME) $(lib)/libbrick.so
	install -m 644 $(OUT)/libbrick.a $(lib)/libbrick.a
	install -m 755 $(OUT)/libdnnl.so $(lib)/brick-dnnl/libdnnl.so.3
	ln -sf libdnnl.so.3 $(lib)/brick-dnnl/libdnnl.so
	install -m 644 $(wildcard include/*.h include/*.hpp) $(include)
	install -m 644 LICENSE-MIT LICENSE-APACHE $(share)/doc/brick
	$(at) bindings/pkgconfig/brick.pc.in > $(lib)/pkgconfig/brick.pc
	for file in brickConfig brickConfigVersion; do $(at) bindings/cmake/$$file.cmake.in > $(lib)/cmake/brick/$$file.cmake; done

# The installed tree, used through pkg-config and CMake.
test-install: all
	tests/install/check

header:
	UPDATE_HEADER=1 $(CARGO) test --test header

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

clean:
	$(CARGO) clean
